mod accounts;
mod calls;
mod deliveries;
mod description;
mod integration;
mod manners;
mod roles;
mod tokens;

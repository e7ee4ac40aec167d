mod accounts;
mod calls;
mod deliveries;
mod description;
mod integration;
mod manners;
pub(crate) mod roles;
mod tokens;
mod users;

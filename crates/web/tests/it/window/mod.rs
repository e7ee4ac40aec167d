//! The window, as browsers and others see it.

mod access;
mod accounts;
mod board;
pub(crate) mod browser;
mod doors;
mod excel;
mod forms;
mod integrator;
mod now;
mod oidc;
mod pages;
mod privacy;
mod receivers;
mod reports;
pub(crate) mod roles;
mod safety;
mod services;
mod sizes;
mod stories;

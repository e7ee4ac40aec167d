//! The window, as browsers and others see it.

mod browser;
mod doors;
mod pages;
mod roles;
mod safety;

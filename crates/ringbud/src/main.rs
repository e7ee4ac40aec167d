//! `ringbud`, the program.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use ringbud::cli::Cli;

/// Deliveries are made on one thread and given up on another, many small pieces each: the system's allocator
/// spends a quarter of their time on that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(Cli::parse().run())
}

//! `ringbud`, the program.

use std::process::ExitCode;

use clap::Parser;
use ringbud::cli::Cli;

fn main() -> ExitCode {
    ExitCode::from(Cli::parse().run())
}

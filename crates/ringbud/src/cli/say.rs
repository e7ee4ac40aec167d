//! Standard output, whose reader may have read enough.

use std::fmt;
use std::io::{self, Write};

use super::Failure;

/// Prints a line as `println!` does. A command hands the failure on: so it tidies up, and ends quietly where nobody
/// reads any more (`| head`).
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::say::line(format_args!($($text)*)) };
}
pub(crate) use say;

pub(crate) fn line(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| {
        if is_read_enough(&error) {
            error.into()
        } else {
            Failure::new(format!("standard output cannot be written: {error}"))
        }
    })
}

/// Ends the program when a line could not be printed: for a command that has nothing to tidy up.
pub(crate) fn or_end(printed: Result<(), Failure>) {
    if let Err(failure) = printed {
        std::process::exit(i32::from(failure.told()));
    }
}

/// Whether that is a reader who has read enough.
pub(crate) fn is_read_enough(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

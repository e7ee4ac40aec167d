//! Standard output, whose reader may have read enough.

use std::fmt;
use std::io::{self, Write};

use super::{EXIT_DONE, EXIT_FAILED};

/// Prints a line as `println!` does; ends the program quietly where nobody reads any more (`| head`).
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::say::line(format_args!($($text)*)) };
}
pub(crate) use say;

pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) else { return };
    let code = if is_read_enough(&error) {
        EXIT_DONE
    } else {
        eprintln!("ringbud: standard output cannot be written: {error}");
        EXIT_FAILED
    };
    std::process::exit(i32::from(code));
}

/// Whether that is a reader who has read enough.
pub(crate) fn is_read_enough(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

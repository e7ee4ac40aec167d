//! `completions` and `man`: made from the same source as `--help`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, EXIT_DONE, Failure};

/// Print a completion script for a shell.
///
/// For bash: `ringbud completions bash > /etc/bash_completion.d/ringbud`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "ringbud", &mut script);
        std::io::stdout().write_all(&script)?;
        Ok(EXIT_DONE)
    }
}

/// Print the man page, or write one page a command into a folder.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write ringbud.1 and a page for each command into this folder.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        match self.folder {
            Some(folder) => clap_mangen::generate_to(Cli::command(), folder)?,
            None => clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?,
        }
        Ok(EXIT_DONE)
    }
}

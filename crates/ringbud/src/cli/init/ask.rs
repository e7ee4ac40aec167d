//! Asking a person at a terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::Failure;

/// A person at a terminal.
#[derive(Clone, Copy)]
pub(super) struct Person(());

impl Person {
    /// Whoever sits at both ends; nobody where either is a file or a program.
    pub(super) fn there() -> Option<Self> {
        (io::stdin().is_terminal() && io::stdout().is_terminal()).then_some(Self(()))
    }

    /// Asks; nothing typed is what is usual.
    pub(super) fn ask(self, question: &str, usual: &str) -> Result<String, Failure> {
        let usual_said = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
        let mut out = io::stdout().lock();
        write!(out, "{question}{usual_said}: ").and_then(|()| out.flush())?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(Failure::new("ended without an answer; nothing was written"));
        }
        let typed = line.trim();
        Ok(if typed.is_empty() { usual.to_owned() } else { typed.to_owned() })
    }

    /// Asks until the answer can be taken; otherwise says why not.
    pub(super) fn ask_for<T>(
        self,
        question: &str,
        usual: &str,
        take: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        loop {
            match take(&self.ask(question, usual)?) {
                Ok(taken) => return Ok(taken),
                Err(why) => super::say!("{why}")?,
            }
        }
    }

    /// Asks for yes or no.
    pub(super) fn agrees(self, question: &str, usual: bool) -> Result<bool, Failure> {
        self.ask_for(question, if usual { "yes" } else { "no" }, |typed| match &*typed.to_lowercase() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("yes or no".to_owned()),
        })
    }
}

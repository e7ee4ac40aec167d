//! Colour in the terminal, and text from outside made harmless for it.

use std::borrow::Cow;
use std::fmt;
use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Text alone.
    Plain,
    /// With ANSI colours.
    Colour,
}

/// What colour means. It only ever says again what the words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Ringing,
    Talking,
    Dialling,
    Over,
    Good,
    Bad,
    Quiet,
    Strong,
}

impl Paint {
    /// Colours if standard output is a terminal and `NO_COLOR` is not set.
    pub fn for_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if std::io::stdout().is_terminal() && !refused { Self::Colour } else { Self::Plain }
    }

    pub(crate) fn tone<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        let style = match (self, tone) {
            (Self::Plain, _) => Style::new(),
            (Self::Colour, Tone::Ringing) => AnsiColor::Yellow.on_default(),
            (Self::Colour, Tone::Talking | Tone::Good) => AnsiColor::Green.on_default(),
            (Self::Colour, Tone::Dialling) => AnsiColor::Cyan.on_default(),
            (Self::Colour, Tone::Over) => AnsiColor::Magenta.on_default(),
            (Self::Colour, Tone::Bad) => AnsiColor::Red.on_default().bold(),
            (Self::Colour, Tone::Quiet) => Style::new().dimmed(),
            (Self::Colour, Tone::Strong) => Style::new().bold(),
        };
        Painted { style, text }
    }
}

/// Text in a tone.
pub(crate) struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style)?;
        self.text.fmt(f)?;
        write!(f, "{:#}", self.style)
    }
}

/// Text from outside without what could command the terminal.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

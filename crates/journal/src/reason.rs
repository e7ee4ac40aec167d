//! Why something failed, was refused or is paused: a code with what it was about, never a sentence.
//!
//! Sentences are made where they are read, in the reader's language. Which codes there are is said by whoever
//! gives reasons (for deliveries `delivery::reason`, with their English); this module keeps them. Before, the
//! history kept English sentences: these are read as the code [`TEXT`] with the sentence as it was.

use std::borrow::Cow;
use std::fmt;

/// The code of a sentence that was kept before there were codes; its argument is `text`.
pub const TEXT: &str = "text";
/// The code of an HTTP status; its argument is `status`.
pub const STATUS: &str = "status";
/// The longest value of an argument, in bytes: some are words of a stranger.
pub const ARG_MAX: usize = 1_000;

/// Begins what is kept of a reason. No sentence ever began so.
const MARK: char = '\u{1}';
/// Before each argument.
const ARG: char = '\u{1e}';
/// Between an argument's name and its value.
const VALUE: char = '\u{1f}';

/// A code, and what it was about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    code: Cow<'static, str>,
    args: Vec<(Cow<'static, str>, String)>,
}

impl Reason {
    /// A code without arguments.
    pub const fn new(code: &'static str) -> Self {
        Self { code: Cow::Borrowed(code), args: Vec::new() }
    }

    /// With an argument more; what is too long of its value is cut off.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.push((Cow::Borrowed(name), bounded(&value.to_string())));
        self
    }

    /// An HTTP status.
    pub fn status(status: u16) -> Self {
        Self::new(STATUS).with("status", status)
    }

    /// A sentence of which no code is known.
    pub fn text(sentence: &str) -> Self {
        Self::new(TEXT).with("text", sentence)
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The arguments, in their order.
    pub fn args(&self) -> impl Iterator<Item = (&str, &str)> {
        self.args.iter().map(|(name, value)| (&**name, &**value))
    }

    /// One of them.
    pub fn arg(&self, wanted: &str) -> Option<&str> {
        self.args().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }

    /// A sentence with `{name}` for what is filled in.
    pub fn fill(&self, sentence: &str) -> String {
        self.args()
            .fold(sentence.to_owned(), |told, (name, value)| told.replace(&format!("{{{name}}}"), value))
    }

    /// As it is kept.
    pub fn to_kept(&self) -> String {
        let mut kept = String::with_capacity(64);
        kept.push(MARK);
        kept.push_str(&self.code);
        for (name, value) in self.args() {
            kept.push(ARG);
            kept.push_str(name);
            kept.push(VALUE);
            kept.push_str(value);
        }
        kept
    }

    /// From what is kept; nothing from nothing.
    pub fn from_kept(kept: &str) -> Option<Self> {
        let Some(reason) = kept.strip_prefix(MARK) else {
            return (!kept.is_empty()).then(|| Self::text(kept));
        };
        let mut parts = reason.split(ARG);
        let code = Cow::Owned(parts.next().unwrap_or_default().to_owned());
        let arg = |part: &str| {
            let (name, value) = part.split_once(VALUE).unwrap_or((part, ""));
            (Cow::Owned(name.to_owned()), value.to_owned())
        };
        Some(Self { code, args: parts.map(arg).collect() })
    }
}

/// Without the English, which only those have who give reasons: for logs of last resort.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.code, self.arg("text")) {
            (TEXT, Some(text)) => f.write_str(text),
            (code, _) => {
                f.write_str(code)?;
                self.args().try_for_each(|(name, value)| write!(f, " {name}={value:?}"))
            }
        }
    }
}

/// What a stranger said must not look like the marks around it, nor be without end.
fn bounded(value: &str) -> String {
    let mut end = value.len().min(ARG_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What is kept of one that may be missing.
pub(crate) fn kept(reason: Option<&Reason>) -> String {
    reason.map(Reason::to_kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_comes_back_as_it_was_and_an_old_sentence_as_it_reads() {
        let reason = Reason::new("connect_failed").with("address", "192.0.2.7:443").with("why", "a=b, c: d");
        assert_eq!(Reason::from_kept(&reason.to_kept()), Some(reason.clone()));
        assert_eq!(reason.arg("why"), Some("a=b, c: d"));
        assert_eq!(reason.fill("{address} is not there: {why}"), "192.0.2.7:443 is not there: a=b, c: d");
        for old in ["HTTP 500", "no answer: connection closed before message completed", "status"] {
            let read = Reason::from_kept(old).expect("it was something");
            assert_eq!((read.code(), read.to_string().as_str()), (TEXT, old));
            assert_eq!(Reason::from_kept(&read.to_kept()), Some(read));
        }
        assert_eq!(Reason::from_kept(""), None);
    }

    #[test]
    fn words_of_strangers_are_bounded_and_no_marks() {
        let hostile = format!("\u{1f}x\u{1e}code\r\n{}", "ø".repeat(ARG_MAX));
        let reason = Reason::new("no_answer").with("why", &hostile);
        let why = reason.arg("why").expect("there");
        assert!(why.len() <= ARG_MAX && why.starts_with(" x code  ø"), "{why:?}");
        assert_eq!(Reason::from_kept(&reason.to_kept()), Some(reason));
    }
}

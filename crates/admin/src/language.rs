//! The languages people read.

/// A language people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Danish.
    #[default]
    Danish,
    /// English.
    English,
}

impl Language {
    /// By its code; empty or unknown is `None`.
    pub fn named(code: &str) -> Option<Self> {
        match code {
            "da" => Some(Self::Danish),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The first of a browser's `Accept-Language` that is known.
    pub fn accepted(header: &str) -> Option<Self> {
        header.split(',').find_map(|part| match part.trim().get(..2)? {
            "da" | "no" | "nb" | "sv" => Some(Self::Danish),
            "en" => Some(Self::English),
            _ => None,
        })
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Danish => "da",
            Self::English => "en",
        }
    }
}

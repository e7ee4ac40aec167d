//! A sentence about a PBX that was looked at.

/// What was found out, and how bad it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// As it should be.
    Fine(String),
    /// What looks wrong, with how to mend it.
    Doubt(String),
    /// What has to be mended first.
    Fault(String),
}

impl Said {
    /// The same of a PBX: its name before the sentence.
    #[must_use]
    pub fn of(self, name: &str) -> Self {
        match self {
            Self::Fine(sentence) => Self::Fine(format!("{name}: {sentence}")),
            Self::Doubt(sentence) => Self::Doubt(format!("{name}: {sentence}")),
            Self::Fault(sentence) => Self::Fault(format!("{name}: {sentence}")),
        }
    }
}

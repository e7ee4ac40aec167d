//! Identities, one type each, so that none can be taken for another.

use std::fmt;
use std::sync::Arc;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

id!(
    /// One customer's PBX: the parameter `AccountId`.
    AccountId
);
id!(
    /// The name of a PBX in the configuration; part of every leg's id.
    PbxName
);
id!(
    /// `UniqueCallId`: one leg, or a channel that is somebody's counterpart. The PBX's name, a dash, and
    /// the PBX's own channel id, so that the PBX's call records can be searched for what follows the
    /// first dash.
    LegId
);
id!(
    /// All channels that are, or were, connected with each other, as it was known when the leg began.
    CallId
);
id!(
    /// One event: derived from leg and kind, so that every run and every replica names it alike. Has no
    /// dots, because `webhook-id` may have none.
    EventId
);

impl LegId {
    /// The id of a channel on a PBX.
    pub fn of(pbx: &PbxName, channel: &str) -> Self {
        Self::new([pbx.as_str(), "-", channel].concat())
    }
}

impl CallId {
    /// The id of the call that began with a channel.
    pub fn of(pbx: &PbxName, channel: &str) -> Self {
        Self::new([pbx.as_str(), "-", channel].concat())
    }
}

//! How sure it is that what is known is true: the link to the PBX, as the tracker sees it.

use std::time::Duration;

use crate::PbxTime;

/// How long the stream may lag behind a snapshot.
pub(super) const STREAM_GRACE: Duration = Duration::from_millis(500);

/// When the link was lost, where nothing is known from before: at a first start, and after a restart of the
/// PBX.
pub(super) const NOTHING_BEFORE: PbxTime = PbxTime::from_micros(0);

/// How sure it is that what is known is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The stream is whole.
    Up,
    /// The link was lost at this moment, and no snapshot has come since.
    Gap { lost_at: PbxTime },
    /// A snapshot came; at `due` it is believed where the stream says nothing else.
    Settling { lost_at: Option<PbxTime>, due: PbxTime },
}

impl Link {
    pub(super) fn deadline(self) -> Option<PbxTime> {
        match self {
            Self::Up | Self::Gap { .. } => None,
            Self::Settling { due, .. } => Some(due),
        }
    }

    /// The PBX's clock was set back to this.
    pub(super) fn set_back(&mut self, at: PbxTime) {
        if let Self::Settling { due, .. } = self {
            *due = (*due).min(at + STREAM_GRACE);
        }
    }

    /// Since when it is not known who of those from before still lives.
    pub(super) fn unsure_since(self) -> Option<PbxTime> {
        match self {
            Self::Gap { lost_at } | Self::Settling { lost_at: Some(lost_at), .. } => {
                (lost_at != NOTHING_BEFORE).then_some(lost_at)
            }
            Self::Up | Self::Settling { lost_at: None, .. } => None,
        }
    }
}

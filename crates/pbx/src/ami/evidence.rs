//! A message in one line, for people.

use super::message::Message;
use crate::link::Evidence;

/// Headers that name the channel a message is about, the first that is there.
const CHANNELS: [&str; 5] =
    ["Channel", "TransfererChannel", "OrigTransfererChannel", "ParkeeChannel", "LocalOneChannel"];

/// Headers that say what a message is about, besides its channel.
const TELLING: [&str; 9] = [
    "ChannelStateDesc",
    "DialStatus",
    "DestChannel",
    "BridgeUniqueid",
    "SwapUniqueid",
    "Extension",
    "Forward",
    "TransferTargetChannel",
    "Cause",
];

impl Evidence for Message<'_> {
    fn text(&self) -> &str {
        Message::text(self)
    }

    fn lines(&self) -> usize {
        self.headers().len()
    }

    fn summary(&self) -> String {
        let mut words = self.event().or(self.response()).unwrap_or("?").to_owned();
        if let Some(channel) = CHANNELS.iter().find_map(|name| self.get(name)) {
            words = format!("{words} {channel}");
        }
        for name in TELLING {
            if let Some(value) = self.get(name).filter(|value| !value.is_empty()) {
                words = format!("{words} {name}={value}");
            }
        }
        words
    }

    fn channels(&self) -> Vec<&str> {
        let ids = self.headers().filter(|(name, id)| {
            !id.is_empty() && name.to_ascii_lowercase().ends_with("uniqueid") && !name.starts_with("Bridge")
        });
        ids.map(|(_, id)| id).collect()
    }
}

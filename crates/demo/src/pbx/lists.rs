//! The lists of what lives on the PBX, in the words of AMI.

use super::message::{Answer, Headers};
use super::world::World;

/// What a PBX has by what it said, as it lists it to who asks.
#[derive(Clone, Debug, Default)]
pub struct Channels(World);

impl Channels {
    /// Learns from one event.
    pub fn hear(&mut self, event: &str, now_us: u64) {
        self.0.hear(event, now_us);
    }

    /// Answers `BridgeList`, `CoreShowChannels` or `Status`; any other action with nothing.
    pub fn answer(&self, action: &str, now_us: u64) -> Vec<u8> {
        let (mut out, action) = (Answer::default(), Headers(action));
        list(&self.0, &action.get("Action").to_ascii_lowercase(), action, now_us, &mut out);
        out.into_bytes()
    }
}

/// The list that is asked for by this name in small letters, if it is one of these.
pub(super) fn list(world: &World, name: &str, action: Headers<'_>, now_us: u64, out: &mut Answer) {
    let channels = world.counts().0;
    match name {
        "bridgelist" => {
            start_list(action, "Bridge listing will follow", out);
            let bridges = world.bridges(action, out);
            end_list(action, "BridgeListComplete", bridges, out);
        }
        "coreshowchannels" => {
            start_list(action, "Channels will follow", out);
            world.show(action, now_us, out);
            end_list(action, "CoreShowChannelsComplete", channels, out);
        }
        "status" => {
            start_list(action, "Channel status will follow", out);
            world.status(action, now_us, out);
            end_list(action, "StatusComplete", channels, out);
        }
        _ => {}
    }
}

pub(super) fn start_list(action: Headers<'_>, message: &str, out: &mut Answer) {
    out.header("Response", "Success").action_id(action);
    out.header("EventList", "start").header("Message", message).end();
}

pub(super) fn end_list(action: Headers<'_>, event: &str, items: usize, out: &mut Answer) {
    out.header("Event", event).action_id(action);
    out.header("EventList", "Complete").header("ListItems", items).end();
}

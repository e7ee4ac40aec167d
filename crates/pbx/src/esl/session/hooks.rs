//! What FreeSWITCH does by itself with calls, as far as the event socket shows it: variables of a channel that are
//! commands, run when the channel is answered, rings or ends.
//!
//! Where a channel has none of its own, FreeSWITCH takes the one that is set for all (`vars.xml`), so those are asked
//! for. One that the dialplan, the directory or a program sets shows on a channel that is up, and nowhere before.

use crate::link::{Hook, Notice, Output};

/// The variables: what they order can transfer, bridge or end a call that nobody touched.
pub(super) const VARIABLES: [&str; 8] = [
    "api_on_answer",
    "execute_on_answer",
    "api_on_ring",
    "execute_on_ring",
    "api_on_originate",
    "api_on_media",
    "exec_after_bridge_app",
    "transfer_after_bridge",
];

/// Of so many channels that are up, each is asked for each variable.
pub(super) const MAX_CHANNELS: usize = 20;

/// What is answered where there is none.
const NOT_SET: [&str; 2] = ["_undef_", "-ERR"];

/// A value was answered: only the command is told, since what follows it may be anybody's secret.
pub(super) fn told(variable: &'static str, channel: &str, said: &[u8], out: &mut impl FnMut(Output<'_>)) {
    let said = String::from_utf8_lossy(said);
    let command = said.split_whitespace().next().unwrap_or_default();
    if command.is_empty() || NOT_SET.contains(&command) {
        return;
    }
    out(Output::Notice(Notice::Hook(Hook {
        variable,
        command: command.chars().take(40).collect(),
        channel: channel.to_owned(),
    })));
}

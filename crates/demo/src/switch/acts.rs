//! What a client may say, and what is answered.

use super::{State, SwitchOptions};
use crate::audience::Said;
use crate::clock;

/// Who is connected, and what they asked for.
#[derive(Debug, Default)]
pub(super) struct Client {
    logged_in: bool,
    /// Names of events and, after `CUSTOM`, subclasses.
    events: Vec<String>,
    /// One of these has to match, if there are any.
    filters: Vec<(String, String)>,
}

impl Client {
    pub(super) fn hears(&self, said: &Said) -> bool {
        let Some(event) = &said.event else { return self.logged_in };
        let name = header(event, "Event-Name");
        let subclass = header(event, "Event-Subclass").replace("%3A", ":");
        let asked = self
            .events
            .iter()
            .any(|asked| *asked == "ALL" || *asked == name || (name == "CUSTOM" && *asked == subclass));
        let passes = |(name, value): &(String, String)| {
            header(event, name).replace("%3A", ":").eq_ignore_ascii_case(value)
        };
        self.logged_in && asked && (self.filters.is_empty() || self.filters.iter().any(passes))
    }
}

/// What follows an answer.
pub(super) enum After {
    GoOn,
    /// It hears what is said from now on.
    Listens,
    Close,
}

/// The value of a header of an event; empty where there is none.
pub(super) fn header<'a>(event: &'a str, name: &str) -> &'a str {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(": ");
    event.lines().find_map(value).unwrap_or_default()
}

pub(super) fn answer(
    options: &SwitchOptions,
    state: &State,
    client: &mut Client,
    command: &str,
) -> (Vec<u8>, After) {
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let password = match verb {
        "auth" => Some(rest),
        "userauth" => rest.split_once(':').map(|(_, password)| password),
        _ => None,
    };
    match (verb, password) {
        (_, Some(password)) if password == options.password => {
            client.logged_in = true;
            (reply("+OK accepted"), After::GoOn)
        }
        (_, Some(_)) => (reply("-ERR invalid"), After::Close),
        ("exit", _) => (reply("+OK bye"), After::Close),
        _ if !client.logged_in => (reply("-ERR command not found"), After::GoOn),
        _ if options.denied.iter().any(|denied| command.starts_with(denied.as_str())) => {
            (reply("-ERR permission denied"), After::GoOn)
        }
        ("event", _) => {
            let is_first = client.events.is_empty();
            client.events = rest.split(' ').skip(1).map(str::to_owned).collect();
            let after = if is_first && !client.events.is_empty() { After::Listens } else { After::GoOn };
            (reply("+OK event listener enabled plain"), after)
        }
        ("filter", _) => {
            let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
            client.filters.push((name.to_owned(), value.to_owned()));
            (reply(&format!("+OK filter added. [{name}]=[{value}]")), After::GoOn)
        }
        ("api", _) => (api(options, state, rest), After::GoOn),
        _ => (reply("-ERR command not found"), After::GoOn),
    }
}

fn reply(said: &str) -> Vec<u8> {
    format!("Content-Type: command/reply\nReply-Text: {said}\n\n").into_bytes()
}

/// A variable of all channels: what a channel has not itself, it takes from there.
fn global<'a>(options: &'a SwitchOptions, name: &str) -> Option<&'a str> {
    options.globals.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn api(options: &SwitchOptions, state: &State, command: &str) -> Vec<u8> {
    let body = match command {
        "status" => format!(
            "UP 0 years, 0 days, 0 hours, 0 minutes, 9 seconds, 0 milliseconds, 0 microseconds\n\
             FreeSWITCH (Version {}  64bit) is ready\n",
            options.version
        ),
        "global_getvar core_uuid" => state.core_uuid(),
        "strmicroepoch" => clock::now_us().to_string(),
        "show channels as json" => state.world.channels(),
        "show calls as json" => state.world.calls(),
        "show registrations as json" => state.world.registrations(options.at_home),
        "sofia status" => format!(
            "internal\tprofile\tsip:mod_sofia@127.0.0.1:5060\tRUNNING (0)\n\
             external::provider\tgateway\tsip:demo@127.0.0.1\t{}\n",
            if options.at_home { "REGED" } else { "FAIL_WAIT" }
        ),
        other if other.starts_with("global_getvar ") => {
            // What is empty is answered like this.
            global(options, &other["global_getvar ".len()..]).unwrap_or("-ERR no reply\n").to_owned()
        }
        other if other.starts_with("uuid_getvar ") => {
            let (id, name) = other["uuid_getvar ".len()..].split_once(' ').unwrap_or_default();
            let own = state.world.variable(id, name);
            own.or_else(|| global(options, name)).unwrap_or("_undef_").to_owned()
        }
        other => match other.strip_prefix("uuid_dump ").and_then(|rest| rest.strip_suffix(" json")) {
            Some(id) => state.world.dump(id).unwrap_or_else(|| "-ERR No such channel!\n".to_owned()),
            None => format!("-ERR {other} Command not found!\n"),
        },
    };
    format!("Content-Type: api/response\nContent-Length: {}\n\n{body}", body.len()).into_bytes()
}

//! What the demo PBX answers to an action: as Asterisk 22 words it, or with an older version as 16 does, with
//! chan_sip.

use md5::{Digest as _, Md5};

use super::lists::{end_list, list, start_list};
use super::login::Login;
use super::message::{Answer, Headers};
use super::rights::Rights;
use super::{PbxOptions, State, User};
use crate::cast;

/// What becomes of the session after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It goes on.
    GoOn,
    /// It has just logged in: events may flow.
    LoggedIn,
    /// It is closed.
    Close,
}

/// Answers one action.
pub(super) fn answer(
    options: &PbxOptions,
    state: &State,
    login: &mut Login,
    action: Headers<'_>,
) -> (Vec<u8>, After) {
    let name = action.get("Action").to_ascii_lowercase();
    let mut out = Answer::default();
    let after = match name.as_str() {
        "challenge" => challenge(login, action, &mut out),
        "login" => log_in(options, login, action, &mut out),
        "logoff" => {
            out.header("Response", "Goodbye")
                .action_id(action)
                .header("Message", "Thanks for all the fish.")
                .end();
            After::Close
        }
        _ if login.user.is_none() => {
            refuse(action, "Permission denied", &mut out);
            After::GoOn
        }
        _ => {
            allowed(options, state, login, &name, action, &mut out);
            After::GoOn
        }
    };
    (out.into_bytes(), after)
}

fn challenge(login: &Login, action: Headers<'_>, out: &mut Answer) -> After {
    if action.get("AuthType").eq_ignore_ascii_case("md5") {
        out.header("Response", "Success").action_id(action).header("Challenge", &login.challenge).end();
    } else {
        refuse(action, "Must specify AuthType", out);
    }
    After::GoOn
}

fn log_in(options: &PbxOptions, login: &mut Login, action: Headers<'_>, out: &mut Answer) -> After {
    let user = options.users.iter().find(|user| user.name == action.get("Username"));
    let Some(user) = user.filter(|user| knows_secret(user, &login.challenge, action)) else {
        refuse(action, "Authentication failed", out);
        return After::Close;
    };
    login.mask = match action.get("Events") {
        "" => Rights::ALL,
        words => Rights::of(words),
    };
    login.user = Some(user.clone());
    out.header("Response", "Success").action_id(action).header("Message", "Authentication accepted").end();
    After::LoggedIn
}

fn knows_secret(user: &User, challenge: &str, action: Headers<'_>) -> bool {
    if action.get("AuthType").eq_ignore_ascii_case("md5") {
        let digest = Md5::new().chain_update(challenge).chain_update(&user.secret).finalize();
        let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        action.get("Key").eq_ignore_ascii_case(&expected)
    } else {
        action.get("Secret") == user.secret
    }
}

fn refuse(action: Headers<'_>, why: &str, out: &mut Answer) {
    out.header("Response", "Error").action_id(action).header("Message", why).end();
}

/// Whether this is of the generation that has chan_sip, and filters by expressions alone.
fn is_older(options: &PbxOptions) -> bool {
    let major = options.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major < 20)
}

/// What an action needs; nothing for those that everybody may do; `None` for an unknown action.
fn needs(name: &str) -> Option<&'static str> {
    match name {
        "ping" | "events" | "listcommands" | "bridgelist" => Some(""),
        "corestatus" | "coresettings" | "coreshowchannels" => Some("system,reporting"),
        "status" => Some("system,call,reporting"),
        "filter" | "pjsipshowendpoints" | "sippeers" | "dahdishowchannels" => Some("system"),
        _ => None,
    }
}

fn allowed(
    options: &PbxOptions,
    state: &State,
    login: &mut Login,
    name: &str,
    action: Headers<'_>,
    out: &mut Answer,
) {
    let write = login.user.as_ref().map_or(Rights::NONE, |user| user.write);
    let unknown = if is_older(options) { "pjsipshowendpoints" } else { "sippeers" };
    let has_ports = options.endpoints.iter().any(|listed| listed.name.starts_with("DAHDI/"));
    match needs(name).filter(|_| name != unknown && (has_ports || name != "dahdishowchannels")) {
        None => return refuse(action, "Invalid/unknown command", out),
        Some("") => {}
        Some(needed) if write.touch(Rights::of(needed)) => {}
        Some(_) => return refuse(action, "Permission denied", out),
    }
    match name {
        "ping" => {
            out.header("Response", "Success").action_id(action).header("Ping", "Pong");
            let now_us = options.now_us();
            out.header("Timestamp", format_args!("{}.{:06}", now_us / 1_000_000, now_us % 1_000_000)).end();
        }
        "events" => {
            login.mask = Rights::of(action.get("EventMask"));
            let state = if login.mask == Rights::NONE { "Off" } else { "On" };
            out.header("Response", "Success").action_id(action).header("Events", state).end();
        }
        "filter" => filter(is_older(options), login, action, out),
        "listcommands" => list_commands(write, action, out),
        "sippeers" => peers(action, out),
        "dahdishowchannels" => ports(options, action, out),
        "coresettings" => core_settings(options, action, out),
        "corestatus" => core_status(state, action, out),
        "bridgelist" | "coreshowchannels" | "status" => {
            list(&state.world, name, action, options.now_us(), out);
        }
        _ => endpoints(options, state, action, out),
    }
}

/// What the user may do, as far as anybody asks.
fn list_commands(write: Rights, action: Headers<'_>, out: &mut Answer) {
    out.header("Response", "Success").action_id(action);
    for (command, needed) in [
        ("CoreStatus", "system"),
        ("Originate", "originate"),
        ("Command", "command"),
        ("UpdateConfig", "config"),
    ] {
        if write.touch(Rights::of(needed)) {
            out.header(command, format_args!("What it does.  (Priv: {needed},all)"));
        }
    }
    out.end();
}

fn filter(is_older: bool, login: &mut Login, action: Headers<'_>, out: &mut Answer) {
    if !action.get("Operation").eq_ignore_ascii_case("add") {
        return refuse(action, "Unknown operation", out);
    }
    // An older one knows no criteria: it says that all is well, and goes by the expression, if there is one.
    let added = match (is_older, action.get("Filter")) {
        (true, "") => Ok(()),
        (true, pattern) => login.filters.add("", pattern),
        (false, pattern) => login.filters.add(action.get("MatchCriteria"), pattern),
    };
    match added {
        Ok(()) => drop(
            out.header("Response", "Success")
                .action_id(action)
                .header("Message", "Filter added successfully")
                .end(),
        ),
        Err(why) => refuse(action, why, out),
    }
}

fn core_settings(options: &PbxOptions, action: Headers<'_>, out: &mut Answer) {
    out.header("Response", "Success").action_id(action);
    out.header("AMIversion", "11.0.0").header("AsteriskVersion", &options.version);
    out.header("SystemName", &options.system_name)
        .header("CoreMaxCalls", 0)
        .header("CoreMaxLoadAvg", "0.000000");
    out.header("CoreCDRenabled", "Yes").header("CoreHTTPenabled", "No").end();
}

fn core_status(state: &State, action: Headers<'_>, out: &mut Answer) {
    let started =
        i64::try_from(state.started_us).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    let started = started.unwrap_or_default();
    let (date, time) = (started.strftime("%Y-%m-%d").to_string(), started.strftime("%H:%M:%S").to_string());
    let (channels, calls) = state.world.counts();
    out.header("Response", "Success").action_id(action);
    out.header("CoreStartupDate", &date).header("CoreStartupTime", &time);
    out.header("CoreReloadDate", &date).header("CoreReloadTime", &time);
    out.header("CoreCurrentCalls", channels).header("CoreProcessedCalls", calls).end();
}

fn peers(action: Headers<'_>, out: &mut Answer) {
    start_list(action, "Peer status list will follow", out);
    let phones = cast::ACCOUNTS
        .iter()
        .flat_map(|account| account.employees.iter().map(|who| format!("{}-{}", account.id, who.number)));
    let mut count = 0;
    for name in phones.chain(["trunk".to_owned()]) {
        let is_trunk = name == "trunk";
        out.header("Event", "PeerEntry").action_id(action).header("Channeltype", "SIP");
        out.header("ObjectName", &name).header("ChanObjectType", "peer").header("IPaddress", "127.0.0.1");
        out.header("IPport", "5070").header("Dynamic", if is_trunk { "no" } else { "yes" });
        out.header("Status", "Unmonitored").end();
        count += 1;
    }
    end_list(action, "PeerlistComplete", count, out);
}

fn ports(options: &PbxOptions, action: Headers<'_>, out: &mut Answer) {
    start_list(action, "DAHDI channel status will follow", out);
    let ports =
        options.endpoints.iter().filter_map(|listed| Some((listed.name.strip_prefix("DAHDI/")?, listed)));
    let mut count = 0;
    for (port, listed) in ports {
        let (signalling, context) =
            if listed.is_line { ("FXS Kewlstart", "from-pstn") } else { ("FXO Kewlstart", "from-internal") };
        out.header("Event", "DAHDIShowChannels").action_id(action).header("DAHDIChannel", port);
        out.header("Signalling", signalling).header("SignallingCode", 0).header("Context", context);
        out.header("DND", "Disabled").header("Alarm", "No Alarm").end();
        count += 1;
    }
    end_list(action, "DAHDIShowChannelsComplete", count, out);
}

fn endpoints(options: &PbxOptions, state: &State, action: Headers<'_>, out: &mut Answer) {
    start_list(action, "A listing of Endpoints follows, presented as EndpointList events", out);
    let mut count = 0;
    for (name, logs_in) in listed(options) {
        let active = state.world.active(&format!("PJSIP/{name}"));
        let device = if active == 0 { "Not in use" } else { "In use" };
        let (auths, outbound) = if logs_in { ("", &*name) } else { (&*name, "") };
        out.header("Event", "EndpointList").action_id(action).header("ObjectType", "endpoint");
        out.header("ObjectName", &name).header("Transport", "transport-udp").header("Aor", &name);
        out.header("Auths", auths).header("OutboundAuths", outbound);
        out.header("Contacts", format_args!("{name}/sip:{name}@127.0.0.1:5070,"));
        out.header("DeviceState", device).header("ActiveChannels", active).end();
        count += 1;
    }
    end_list(action, "EndpointListComplete", count, out);
}

/// The names of PJSIP, and whether the PBX logs in there.
fn listed(options: &PbxOptions) -> Vec<(String, bool)> {
    let own = &options.endpoints;
    if !own.is_empty() {
        let name =
            |listed: &super::Listed| Some((listed.name.strip_prefix("PJSIP/")?.to_owned(), listed.is_line));
        return own.iter().filter_map(name).collect();
    }
    let phones = cast::ACCOUNTS
        .iter()
        .flat_map(|account| account.employees.iter().map(|who| format!("{}-{}", account.id, who.number)));
    phones.chain(["trunk".to_owned()]).map(|name| (name, false)).collect()
}

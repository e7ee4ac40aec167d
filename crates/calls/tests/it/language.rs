//! The scenario language: what the PBX says, one line each, with its time in seconds; below it, indented,
//! the events that must follow.
//!
//! Channels have names. `101`, `101b`: channels of the phone 101. `2002-101`: a phone of another account.
//! `L;1`, `L;2`: the halves of a helper pair. `M…`: a machine of the PBX. Anything else: a trunk.
//!
//! ```text
//! 0     t places +4530 as +4520      a channel that calls: the number it is after, its own number
//! 0     101 is called                a channel the PBX calls (`is called in t`: in the group of `t`)
//! 0     t dials 101                  (or `nobody dials 101`: by order, click-to-call)
//! 0.1   101 rings
//! 2     101 up
//! 2     t ends dialling 101 answered (cancelled, busy, noanswer, failed; `forward 102`)
//! 2     101 joins b                  (leaves b; `joins b for 102`: in its place; `room…`, `wait…`: such bridges)
//! 2     101 is calling 102           (a channel that began like one being called turns out to call)
//! 2     101 was ordered 102 / 101 logs in / 101 logs off / t withholds
//! 3     101 transfers t to 102
//! 3     101 and 101b connect t with 102     (`?` for what the PBX does not say)
//! 3     102 picks up 101 / t is parked at 701 / 102 retrieves t / t comes back from parking
//! 3     t enters support / t leaves queue / L;1 pairs L;2 / 101 is now +4530
//! 3     101 holds / 101 takes back
//! 4     101 hangs up / 101 gone elsewhere
//! 5     link lost / pbx restarted / wait / 101 belongs to 205 (or nobody)
//! 6     list t placed up b; 101 called ringing -     (`agent`: placed, and logged in)
//! 6     restart of ours              what was kept is all that is known
//! ```

use calls::{
    Cause, Device, DialOutcome, Input, Listed, ListedState, Meeting, Origin, Output, PbxTime, Presentation,
    Seen,
};

use crate::world::World;

/// Runs one line; `None` if it is not understood.
pub(crate) fn run(world: &mut World, line: &str) -> Option<Vec<Output>> {
    let (time, rest) = line.split_once(char::is_whitespace)?;
    let seconds: f64 = time.parse().ok()?;
    world.at = PbxTime::from_micros((seconds * 1e6).round() as i64);
    let words: Vec<&str> = rest.split_whitespace().collect();
    if let ["list", ..] = words.as_slice() {
        return list(world, rest.trim().strip_prefix("list")?);
    }
    if let [phone, "belongs", "to", who] = words.as_slice() {
        let holder = (*who != "nobody").then(|| (*who).to_owned());
        world.office.holders.insert((*phone).to_owned(), holder);
        return Some(Vec::new());
    }
    if words == ["restart", "of", "ours"] {
        world.restarts();
        return Some(Vec::new());
    }
    if words == ["wait"] {
        return Some(world.waits());
    }
    let input = input(&words)?;
    Some(world.says(input))
}

fn input<'a>(words: &[&'a str]) -> Option<Input<'a>> {
    Some(match *words {
        ["link", "lost"] => Input::LinkLost,
        ["pbx", "restarted"] => Input::Restarted,
        [who, "places", number] => appeared(who, Origin::Placed, number, own_number(who)),
        [who, "places", number, "as", own] => {
            appeared(who, Origin::Placed, number, if own == "-" { "" } else { own })
        }
        [who, "is", "called"] => appeared(who, Origin::Called, "", own_number(who)),
        [who, "is", "called", "in", group] => Input::Appeared {
            who: Seen { group, number: own_number(who), ..seen(who) },
            origin: Origin::Called,
        },
        [who, "is", "calling", number] => Input::Placing { who: Seen { dialled: number, ..seen(who) } },
        [who, "was", "ordered", number] => Input::Ordered { who: seen(who), dialled: number },
        [who, "logs", "in"] => Input::Agent { who: seen(who), is_on: true },
        [who, "logs", "off"] => Input::Agent { who: seen(who), is_on: false },
        [who, "withholds"] => {
            Input::Changed { who: Seen { presentation: Presentation::Withheld, ..seen(who) } }
        }
        [who, "holds"] => Input::Held { who: seen(who) },
        [who, "takes", "back"] => Input::Unheld { who: seen(who) },
        [who, "is", "now", number] => Input::Changed { who: Seen { number, ..seen(who) } },
        ["nobody", "dials", to] => Input::DialBegan { from: None, to: seen(to) },
        [from, "dials", to] => Input::DialBegan { from: Some(seen(from)), to: seen(to) },
        [from, "dials", to, "for", number] => {
            Input::DialBegan { from: Some(Seen { dialled: number, ..seen(from) }), to: seen(to) }
        }
        [who, "rings"] => Input::Ringing { who: seen(who) },
        [who, "up"] => Input::Up { who: seen(who) },
        [from, "ends", "dialling", to, how] => ended(from, to, how, "")?,
        [from, "ends", "dialling", to, how, "forward", number] => ended(from, to, how, number)?,
        [who, "joins", bridge] => joined(who, bridge, ""),
        [who, "joins", bridge, "for", other] => joined(who, bridge, other),
        [who, "leaves", "queue"] => Input::QueueLeft { who: seen(who) },
        [who, "leaves", bridge] => Input::Left { who: seen(who), bridge },
        [one, "pairs", two] => Input::Paired { one: seen(one), two: seen(two) },
        [by, "transfers", party, "to", to] => Input::BlindTransfer { by: seen(by), party: said(party), to },
        [first, "and", second, "connect", party, "with", target] => Input::AttendedTransfer {
            first: kept(seen(first)),
            second: kept(seen(second)),
            party: said(party).map(kept),
            target: said(target).map(kept),
        },
        [by, "picks", "up", from] => Input::PickedUp { by: seen(by), from: seen(from) },
        [party, "is", "parked", "at", space] => Input::Parked { party: seen(party), space },
        [by, "retrieves", party] => Input::Retrieved { by: seen(by), party: seen(party) },
        [party, "comes", "back", "from", "parking"] => Input::ParkingTimedOut { party: seen(party) },
        [party, "arrives"] => Input::Arrived { party: seen(party) },
        [who, "enters", queue] => Input::QueueEntered { who: seen(who), queue },
        [who, "hangs", "up"] => Input::HangingUp { who: seen(who) },
        [who, "gone"] => Input::Gone { who: seen(who), cause: Cause::Normal },
        [who, "gone", why] => Input::Gone { who: seen(who), cause: cause(why)? },
        _ => return None,
    })
}

/// For as long as the test runs.
fn kept(seen: Seen<'_>) -> &Seen<'_> {
    Box::leak(Box::new(seen))
}

/// Bridges are told apart by their names: `room…`, `wait…`, all others conversations.
fn joined<'a>(who: &'a str, bridge: &'a str, in_place_of: &'a str) -> Input<'a> {
    Input::Joined { who: seen(who), bridge, meeting: meeting(bridge), in_place_of }
}

fn meeting(bridge: &str) -> Meeting {
    match bridge {
        room if room.starts_with("room") => Meeting::Room,
        wait if wait.starts_with("wait") => Meeting::Waiting,
        _ => Meeting::Talk,
    }
}

fn ended<'a>(from: &'a str, to: &'a str, how: &str, forward: &'a str) -> Option<Input<'a>> {
    let outcome = match how {
        "answered" => DialOutcome::Answered,
        "cancelled" => DialOutcome::Cancelled,
        "busy" => DialOutcome::Busy,
        "noanswer" => DialOutcome::NoAnswer,
        "failed" => DialOutcome::Failed,
        _ => return None,
    };
    let from = (from != "nobody").then(|| seen(from));
    Some(Input::DialEnded { from, to: seen(to), outcome, forward })
}

fn cause(why: &str) -> Option<Cause> {
    Some(match why {
        "unsaid" => Cause::Unsaid,
        "elsewhere" => Cause::AnsweredElsewhere,
        "busy" => Cause::Busy,
        "rejected" => Cause::Rejected,
        "noanswer" => Cause::NoAnswer,
        "unreachable" => Cause::Unreachable,
        _ => return None,
    })
}

fn appeared<'a>(who: &'a str, origin: Origin, dialled: &'a str, number: &'a str) -> Input<'a> {
    Input::Appeared { who: Seen { dialled, number, ..seen(who) }, origin }
}

fn own_number(name: &str) -> &str {
    let phone = name.rsplit('-').next().unwrap_or(name);
    let digits = phone.bytes().take_while(u8::is_ascii_digit).count();
    &phone[..digits]
}

fn said(name: &str) -> Option<Seen<'_>> {
    (name != "?").then(|| seen(name))
}

fn seen(name: &str) -> Seen<'_> {
    Seen::of(name, device(name))
}

fn device(name: &str) -> Device<'_> {
    if let Some(pair) = name.strip_suffix(";1").or(name.strip_suffix(";2")) {
        return Device::Helper(pair);
    }
    if name.starts_with('M') {
        return Device::Machine;
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Device::Endpoint(endpoint(name));
    }
    Device::Endpoint("PJSIP/trunk")
}

/// The endpoint of a phone's channel, from a small fixed set so that it can be borrowed.
fn endpoint(name: &str) -> &'static str {
    const KNOWN: [&str; 8] = [
        "PJSIP/101",
        "PJSIP/102",
        "PJSIP/103",
        "PJSIP/104",
        "PJSIP/105",
        "PJSIP/2002-101",
        "PJSIP/2002-102",
        "PJSIP/2002-103",
    ];
    let letters = name.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let wanted = format!("PJSIP/{letters}");
    KNOWN.into_iter().find(|known| *known == wanted).unwrap_or("PJSIP/unknown")
}

fn list(world: &mut World, entries: &str) -> Option<Vec<Output>> {
    let mut listed = Vec::new();
    let entries = entries.replace(';', "\n").replace(',', ";");
    for entry in entries.lines().map(str::trim).filter(|entry| !entry.is_empty()) {
        // `;` is between entries, so helpers are written `L,1` here.
        let words: Vec<&str> = entry.split_whitespace().collect();
        let [name, origin, state, bridge, rest @ ..] = words.as_slice() else { return None };
        listed.push(Listed {
            who: Seen {
                number: rest
                    .first()
                    .copied()
                    .filter(|number| *number != "-")
                    .unwrap_or_else(|| own_number(name)),
                dialled: rest.get(1).copied().filter(|dialled| *dialled != "-").unwrap_or(""),
                group: rest.get(2).copied().unwrap_or(""),
                ..seen(name)
            },
            origin: match *origin {
                "placed" | "agent" => Some(Origin::Placed),
                "called" => Some(Origin::Called),
                _ => None,
            },
            state: match *state {
                "ringing" => ListedState::Ringing,
                "up" => ListedState::Up,
                _ => ListedState::Pending,
            },
            bridge: if *bridge == "-" { "" } else { bridge },
            meeting: meeting(bridge),
            is_agent: *origin == "agent",
            since: None,
            answered_at: None,
        });
    }
    Some(world.says(Input::Snapshot { listed: &listed }))
}

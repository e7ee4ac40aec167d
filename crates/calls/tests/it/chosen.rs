//! Ids that an application chose may come again: a leg's id is then the channel's, a dash and the second.

use calls::{
    Device, Direction, Event, Input, LegId, Listed, ListedState, Meeting, OpenLeg, Origin, Output, PbxTime,
    Restored, Seen,
};

use crate::world::World;

const PHONE: Device<'_> = Device::Endpoint("PJSIP/101");

fn chosen<'a>(id: &'a str, device: Device<'a>) -> Seen<'a> {
    Seen { is_chosen: true, ..Seen::of(id, device) }
}

fn events(outputs: Vec<Output>) -> Vec<Event> {
    let event = |output| match output {
        Output::Event(event) => Some(*event),
        Output::Note(_) | Output::Anomaly(_) => None,
    };
    outputs.into_iter().filter_map(event).collect()
}

/// A call of `t` at the phone, whose channel is always called the same; at this second.
fn rings(world: &mut World, second: i64) -> Vec<Event> {
    world.at = PbxTime::from_secs(second);
    let caller = format!("t{second}");
    let t = Seen::of(&caller, Device::Endpoint("PJSIP/trunk"));
    let who = chosen("agent-7", PHONE);
    let mut out = world.says(Input::Appeared { who: t, origin: Origin::Placed });
    out.extend(world.says(Input::Appeared { who, origin: Origin::Called }));
    out.extend(world.says(Input::DialBegan { from: Some(t), to: who }));
    out.extend(world.says(Input::Ringing { who }));
    events(out)
}

#[test]
fn the_same_chosen_id_gives_two_legs_in_two_calls() {
    let mut world = World::new();
    let first = rings(&mut world, 100);
    let gone = Input::Gone { who: chosen("agent-7", PHONE), cause: calls::Cause::Normal };
    let ended = events(world.says(gone));
    let second = rings(&mut world, 200);
    assert_eq!(first[0].leg, LegId::new("p-agent-7-100"));
    assert_eq!(ended[0].leg, first[0].leg);
    assert_eq!(second[0].leg, LegId::new("p-agent-7-200"));
    assert_eq!(second[0].counterpart, Some(LegId::new("p-t200")));
}

#[test]
fn a_restored_leg_of_a_chosen_id_goes_on_when_its_channel_is_listed() {
    let mut world = World::new();
    let begun = rings(&mut world, 100).remove(0);
    let leg = OpenLeg {
        leg: begun.leg.clone(),
        call: begun.call.clone(),
        sequence: 1,
        phone: begun.phone.clone(),
        direction: Direction::Incoming,
        begun_at: begun.at,
        waiting_since: begun.waiting_since,
        answered_at: None,
        counterpart: begun.counterpart.clone(),
        a_number: begun.a_number.clone(),
        b_number: begun.b_number.clone(),
        dialed_number: begun.dialed_number.clone(),
        queue: begun.queue.clone(),
    };
    let mut world = World::new();
    world.tracker.restore(Restored { legs: vec![leg], notes: Vec::new(), last_heard: Some(begun.at) });
    world.at = PbxTime::from_secs(110);
    let listed = [Listed {
        who: chosen("agent-7", PHONE),
        origin: Some(Origin::Called),
        state: ListedState::Ringing,
        bridge: "",
        meeting: Meeting::Talk,
        is_agent: false,
        since: None,
        answered_at: None,
    }];
    assert_eq!(events(world.says(Input::Snapshot { listed: &listed })), []);
    world.at = PbxTime::from_secs(112);
    assert_eq!(events(world.waits()), [], "it is known, and neither ends nor begins again");
    let gone = Input::Gone { who: chosen("agent-7", PHONE), cause: calls::Cause::Normal };
    let ended = events(world.says(gone));
    assert_eq!(ended.iter().map(|event| &event.leg).collect::<Vec<_>>(), [&begun.leg]);
}

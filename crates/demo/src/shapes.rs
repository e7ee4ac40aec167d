//! The recordings that the demo PBX plays, made from a real Asterisk with real phones.

use std::sync::Arc;

use crate::shape::Shape;

/// A recording of the programme.
#[derive(Clone, Debug)]
pub struct Number {
    /// What is played.
    pub shape: Arc<Shape>,
    /// What happens in it, for a person.
    pub title: &'static str,
    /// How often it is played, compared with the others.
    pub weight: u32,
}

macro_rules! programme {
    ($($weight:literal $name:literal $title:literal,)*) => {
        &[$(($weight, $name, $title, include_str!(concat!("../../../traces/", $name, ".tracker.ami")))),*]
    };
}

/// Weight, recording, what happens.
const PROGRAMME: &[(u32, &str, &str, &str)] = programme![
    20 "inbound-answered" "A customer rings, the employee answers",
    6 "inbound-unanswered-caller-hangs-up" "A customer rings and gives up before an answer",
    3 "inbound-busy" "A customer rings, the employee refuses the call",
    4 "inbound-menu-then-answered" "A customer comes through the menu, the employee answers",
    4 "hold-unhold" "The employee puts a customer on hold and takes the call back",
    12 "outbound-answered" "An employee rings a customer, who answers",
    4 "outbound-unanswered" "An employee rings a customer, who does not answer",
    2 "outbound-busy" "An employee rings a customer, who is busy",
    5 "originate-click-to-call" "Click-to-call: the employee's own phone first, then the customer",
    6 "internal-answered" "One employee rings another",
    8 "ring-group-second-answers" "A ring group: three phones ring, one answers",
    3 "ring-group-local" "A ring group over helper channels: two phones ring, one answers",
    8 "queue-answered-ringall" "A queue rings two phones, one answers",
    3 "queue-answered-linear" "A queue tries one phone, then the next",
    3 "queue-caller-abandons" "A customer waits in a queue and gives up",
    7 "blind-transfer-to-employee" "The employee sends the customer on to a colleague",
    2 "blind-transfer-to-external" "The employee sends the customer on to an outside number",
    7 "attended-transfer-to-employee" "The employee asks a colleague first, then transfers",
    3 "forward-302-to-employee" "The phone sends the call on to a colleague by itself",
    3 "forward-no-answer-to-employee" "Nobody answers, so the PBX tries a colleague",
    4 "pickup" "A colleague picks up a ringing call",
    2 "parking-retrieve" "A call is parked and fetched by a colleague",
    2 "voicemail" "Nobody answers, the customer speaks to the voicemail",
];

/// The whole programme, in the order it is told in the manual.
pub fn programme() -> Vec<Number> {
    PROGRAMME
        .iter()
        .map(|&(weight, name, title, recording)| Number {
            shape: Arc::new(Shape::read(name, recording)),
            title,
            weight,
        })
        .collect()
}

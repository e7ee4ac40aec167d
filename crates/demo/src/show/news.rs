//! What the show is told: plain facts, in the words of the product, from whoever runs the demo.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::receiver::Received;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A call begins in the play.
    Scene(Scene),
    /// A call event.
    Event(Event),
    /// A request went out, and something came back.
    Request(Request),
    /// The link to a PBX changed.
    Link(Link),
}

/// A call that begins in the play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// When.
    pub at: Timestamp,
    /// The recording's name.
    pub shape: String,
    /// What will happen in it.
    pub title: String,
    /// The name of the account it is played in.
    pub account: String,
}

/// A call event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `EventId`.
    pub id: String,
    /// When, by the PBX's clock.
    pub at: Timestamp,
    /// `AccountId`.
    pub account: String,
    /// The employee's local number and name.
    pub employee: String,
    /// The other party's number; empty when withheld or unknown.
    pub other: String,
    /// How the leg began.
    pub direction: Direction,
    /// Which event.
    pub what: What,
}

/// How a leg began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It rang.
    Incoming,
    /// It placed a call.
    Outgoing,
}

/// Which event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The phone rings.
    Incoming,
    /// The employee answers.
    Answered,
    /// The phone dials.
    Outgoing,
    /// The leg is gone.
    Ended {
        /// `Duration`.
        duration_s: u64,
        /// `EndReason`.
        reason: String,
        /// `TransferTo`, if the call was transferred.
        transferred_to: Option<String>,
    },
}

impl What {
    /// The event's name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Incoming => "Incoming",
            Self::Answered => "Answered",
            Self::Outgoing => "Outgoing",
            Self::Ended { .. } => "Ended",
        }
    }
}

/// A request, and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `EventId` of the event it tells.
    pub event: String,
    /// `GET` or `POST`.
    pub method: String,
    /// The URL, with its query.
    pub url: String,
    /// The body.
    pub body: String,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How long it took, if the one who tells it knows.
    pub took: Option<Duration>,
    /// What came back.
    pub outcome: Outcome,
}

impl Request {
    /// As the receiver saw it: what went out and what it answered. `webhook-id` is the event's id.
    pub fn received(received: &Received) -> Self {
        Self {
            event: received.header("webhook-id").to_owned(),
            method: received.method.to_string(),
            url: received.target.to_string(),
            body: String::from_utf8_lossy(&received.body).into_owned(),
            attempt: 1,
            took: None,
            outcome: Outcome::Status(received.status.as_u16()),
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An HTTP status.
    Status(u16),
    /// Nothing, and why, in words.
    Failed(String),
}

/// The state of the link to a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The PBX's name.
    pub pbx: String,
    /// Whether it is up.
    pub up: bool,
    /// In words.
    pub words: String,
}

impl News {
    /// One JSON object.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Scene(scene) => json!({
                "type": "scene", "at": scene.at.to_string(), "shape": scene.shape, "title": scene.title,
                "account": scene.account,
            }),
            Self::Event(event) => event_json(event),
            Self::Request(request) => json!({
                "type": "request", "event_id": request.event, "method": request.method, "url": request.url,
                "body": request.body, "attempt": request.attempt,
                "took_ms": request.took.map(|took| took.as_secs_f64() * 1000.0),
                "status": match request.outcome { Outcome::Status(status) => Some(status), Outcome::Failed(_) => None },
                "error": match &request.outcome { Outcome::Failed(why) => Some(why), Outcome::Status(_) => None },
            }),
            Self::Link(link) => {
                json!({ "type": "link", "pbx": link.pbx, "up": link.up, "words": link.words })
            }
        }
    }
}

fn event_json(event: &Event) -> Value {
    let mut json = json!({
        "type": "event", "event_id": event.id, "event": event.what.name(), "at": event.at.to_string(),
        "account": event.account, "employee": event.employee, "other": event.other,
    });
    if let (What::Ended { duration_s, reason, transferred_to }, Value::Object(json)) =
        (&event.what, &mut json)
    {
        json.insert("duration_s".to_owned(), (*duration_s).into());
        json.insert("reason".to_owned(), reason.as_str().into());
        json.insert("transferred_to".to_owned(), transferred_to.as_deref().into());
    }
    json
}

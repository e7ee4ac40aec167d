//! The events' JSON Schema, held against what the sender sends, and the manual's table against its source.

use std::collections::BTreeMap;

use calls::EventKind;
use delivery::payload::schema;
use journal::settings::{BodyFormat, Extras, Integration, Method, TimeFormat};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::event;
use crate::support::gateway::{Gateway, everything_to, url};
use crate::support::receiver::{Got, Receiver};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/receive.md");

fn validator(kind: EventKind) -> Validator {
    let mut whole = schema::json_schema();
    whole["anyOf"] = json!([{"$ref": format!("#/$defs/{}", kind.name())}]);
    jsonschema::draft202012::new(&whole).expect("a schema")
}

/// What a receiver reads of a request.
fn read(got: &Got, format: BodyFormat, method: Method) -> Value {
    if method == Method::Post && format == BodyFormat::Json {
        return serde_json::from_str(&got.body).expect("JSON");
    }
    let text = match method {
        Method::Post => got.body.as_str(),
        Method::Get => {
            got.line.split_once('?').and_then(|(_, rest)| rest.split(' ').next()).expect("a query")
        }
    };
    let read: BTreeMap<_, _> = url::form_urlencoded::parse(text.as_bytes()).collect();
    json!(read)
}

#[tokio::test]
async fn what_is_sent_is_as_the_schema_says() {
    let formats = [TimeFormat::Iso, TimeFormat::Local, TimeFormat::UnixSeconds, TimeFormat::UnixMilliseconds];
    let bodies =
        [(Method::Post, BodyFormat::Json), (Method::Post, BodyFormat::Form), (Method::Get, BodyFormat::Form)];
    let mut receiver = Receiver::always(200).await;
    for time_format in formats {
        for (method, body_format) in bodies {
            for extras in [Extras::None, Extras::All] {
                let to = everything_to(&url(receiver.address));
                let settings = Integration { time_format, method, body_format, extras: extras.clone(), ..to };
                let gateway = Gateway::new(settings).await;
                for kind in EventKind::ALL {
                    gateway.tell(event(kind, &format!("1795337580.{}", kind as usize))).await;
                    let sent = read(&receiver.next().await, body_format, method);
                    let wrong: Vec<_> =
                        validator(kind).iter_errors(&sent).map(|error| error.to_string()).collect();
                    assert!(wrong.is_empty(), "{wrong:?}: {sent}");
                    // With its name in it, it is no other event.
                    let mut others = EventKind::ALL.into_iter().filter(|other| *other != kind);
                    assert!(
                        extras == Extras::None || others.all(|other| !validator(other).is_valid(&sent)),
                        "{sent}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_schema_is_one_and_refuses_what_is_none_of_ours() {
    let whole = schema::json_schema();
    jsonschema::meta::validate(&whole).expect("a schema by its own schema");
    let ended = validator(EventKind::Ended);
    let pairs = delivery::payload::parameters(&event(EventKind::Ended, "a"), &Integration::default());
    let good: Value = pairs.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
    assert!(ended.is_valid(&good));
    for (name, wrong) in [
        ("Duration", json!("")),
        ("Duration", json!(12)),
        ("Transfer", json!("true")),
        ("CallDirection", json!("in")),
        ("UniqueCallId", json!("")),
        ("EndReason", json!("bored")),
        ("EndTime", json!("yesterday")),
        ("Event", json!("Incoming")),
    ] {
        let mut changed = good.clone();
        changed[name] = wrong.clone();
        assert!(!ended.is_valid(&changed), "{name} = {wrong}");
    }
    for name in ["AccountId", "TransferTo"] {
        let mut without = good.clone();
        without.as_object_mut().expect("an object").remove(name);
        assert!(!ended.is_valid(&without), "without {name}");
    }
}

/// `RINGBUD_WRITE=1` writes it anew.
#[test]
fn the_manuals_table_is_made_of_the_same() {
    let (begin, end) = ("<!-- parameters -->\n", "<!-- end of parameters -->\n");
    let kept = std::fs::read_to_string(PAGE).expect("the page");
    let (before, rest) = kept.split_once(begin).expect("the table");
    let (_, after) = rest.split_once(end).expect("its end");
    let page = format!("{before}{begin}{}{end}{after}", schema::table());
    if std::env::var_os("RINGBUD_WRITE").is_some() {
        std::fs::write(PAGE, &page).expect("written");
    } else {
        assert!(kept == page, "docs/receive.md has another table: run this with RINGBUD_WRITE=1");
    }
}

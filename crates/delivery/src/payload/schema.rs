//! The events for programs that read descriptions: JSON Schema, the webhooks of an OpenAPI description, AsyncAPI.
//!
//! All of it is made of [`Parameter`], and says what is sent by default; names an account chose are its own.

use calls::EventKind;
use serde_json::{Map, Value, json};

use super::Parameter;
use super::about::{Form, REASONS};

/// Where the schema says it is from; nobody has to reach it.
const SCHEMA_ID: &str = "urn:ringbud:events";
const ISO: &str = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d";
const LOCAL: &str = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d";

/// What an event is, in a sentence.
pub const fn happened(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Incoming => "An employee's phone rings.",
        EventKind::Answered => "The employee has answered.",
        EventKind::Outgoing => "An employee's phone has placed a call.",
        EventKind::Ended => "A phone's part in a call is over.",
    }
}

/// The JSON Schema of all four events: one of its `$defs` each.
pub fn json_schema() -> Value {
    let one = |kind: &EventKind| (kind.name().to_owned(), schema_of(*kind));
    let definitions: Map<String, Value> = EventKind::ALL.iter().map(one).collect();
    let any: Vec<_> =
        EventKind::ALL.iter().map(|kind| json!({"$ref": format!("#/$defs/{}", kind.name())})).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "The events of the employee integration, as a web service gets them",
        "anyOf": any,
        "$defs": definitions,
    })
}

/// What is sent for a kind: always what is required, the others where the account chose them.
pub fn schema_of(kind: EventKind) -> Value {
    let (always, extras) = (Parameter::always(kind), Parameter::extras(kind));
    let property = |parameter: &Parameter| (parameter.name().to_owned(), value_of(*parameter, kind));
    let properties: Map<String, Value> = always.iter().chain(extras).map(property).collect();
    json!({
        "title": kind.name(),
        "description": happened(kind),
        "type": "object",
        "properties": properties,
        "required": always.iter().map(|parameter| parameter.name()).collect::<Vec<_>>(),
        // What a later version adds breaks nobody.
        "additionalProperties": {"type": "string"},
    })
}

fn value_of(parameter: Parameter, kind: EventKind) -> Value {
    let moment = format!("{ISO}|{LOCAL}|-?\\d+");
    let mut value = match parameter.form() {
        Form::Text => json!({}),
        Form::Some => json!({"minLength": 1}),
        Form::Moment => json!({"pattern": format!("^({moment}|)$")}),
        Form::SomeMoment => json!({"pattern": format!("^({moment})$")}),
        Form::Count => json!({"pattern": r"^\d*$"}),
        Form::SomeCount => json!({"pattern": r"^\d+$"}),
        Form::Truth => json!({"enum": ["True", "False"]}),
        Form::Direction => json!({"enum": ["Incoming", "Outgoing"]}),
        Form::Kind => json!({"const": kind.name()}),
        Form::Reason if kind == EventKind::Ended => {
            json!({"enum": REASONS.iter().map(|reason| reason.name()).collect::<Vec<_>>()})
        }
        Form::Reason => json!({"const": ""}),
    };
    value["type"] = "string".into();
    value["description"] = parameter.about().into();
    value
}

/// The headers every attempt has.
fn headers() -> [(&'static str, &'static str, bool); 3] {
    [
        ("webhook-id", "The event's id, the same in every attempt: drop what came before", true),
        ("webhook-timestamp", "When this attempt was made, in seconds since 1970", true),
        ("webhook-signature", "By Standard Webhooks, where the account has a secret", false),
    ]
}

/// The `webhooks` of an OpenAPI 3.1 description.
pub fn openapi_webhooks() -> Value {
    let header = |(name, about, required): (&str, &str, bool)| json!({"name": name, "in": "header", "required": required, "description": about, "schema": {"type": "string"}});
    let one = |kind: &EventKind| {
        let body = json!({"schema": schema_of(*kind)});
        let operation = json!({
            "summary": happened(*kind),
            "operationId": format!("told_{}", kind.name().to_ascii_lowercase()),
            "description": "What Ringbud sends. By GET the same stands in the query.",
            "parameters": headers().map(header),
            "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": body, "application/json": body}},
            "responses": {
                "2XX": {"description": "Taken. Everything else but 410 is tried again"},
                "410": {"description": "Pauses the web service until somebody resumes it"},
            },
            "security": [],
        });
        (kind.name().to_owned(), json!({"post": operation}))
    };
    EventKind::ALL.iter().map(one).collect::<Map<String, Value>>().into()
}

/// The AsyncAPI 3.0 document: what is sent to an account's web services, and the stream.
pub fn asyncapi(version: &str) -> Value {
    let headers: Map<String, Value> = headers()
        .map(|(name, about, _)| (name.to_owned(), json!({"type": "string", "description": about})))
        .into_iter()
        .collect();
    let message = |kind: &EventKind| {
        let message = json!({
            "name": kind.name(),
            "summary": happened(*kind),
            "contentType": "application/x-www-form-urlencoded",
            "headers": {"type": "object", "properties": headers},
            "payload": schema_of(*kind),
        });
        (kind.name().to_owned(), message)
    };
    let messages: Map<String, Value> = EventKind::ALL.iter().map(message).collect();
    let all = |at: &str| -> Map<String, Value> {
        let one = |name: &String| (name.clone(), json!({"$ref": format!("{at}/{name}")}));
        messages.keys().map(one).collect()
    };
    let sent = |channel: &str| -> Vec<Value> {
        messages.keys().map(|name| json!({"$ref": format!("#/channels/{channel}/messages/{name}")})).collect()
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ringbud",
            "version": version,
            "description": "Call events of each employee's phone, to an account's web services or as a stream.",
        },
        "channels": {
            "webhooks": {
                "address": null,
                "description": "The account's web services, one URL a kind: see the integration's settings.",
                "messages": all("#/components/messages"),
            },
            "stream": {
                "address": "/api/v1/accounts/{account}/events/stream",
                "description": "Server-sent events; the parameters are in `parameters` of each message's JSON.",
                "parameters": {"account": {"description": "The account's id"}},
                "messages": all("#/components/messages"),
            },
        },
        "operations": {
            "tell": {"action": "send", "channel": {"$ref": "#/channels/webhooks"}, "messages": sent("webhooks")},
            "follow": {"action": "send", "channel": {"$ref": "#/channels/stream"}, "messages": sent("stream")},
        },
        "components": {"messages": messages},
    })
}

/// The manual's table of what is always sent.
pub fn table() -> String {
    let mut text =
        "| parameter | Incoming | Answered | Outgoing | Ended | value |\n|---|:-:|:-:|:-:|:-:|---|\n"
            .to_owned();
    let kinds = [EventKind::Incoming, EventKind::Answered, EventKind::Outgoing, EventKind::Ended];
    let is_sent = |parameter: &Parameter, kind: EventKind| Parameter::always(kind).contains(parameter);
    for parameter in Parameter::ALL.iter().filter(|one| kinds.iter().any(|kind| is_sent(one, *kind))) {
        let ticks = kinds.map(|kind| if is_sent(parameter, kind) { "✓ " } else { "" }).join("| ");
        text.push_str(&format!("| `{}` | {ticks}| {} |\n", parameter.name(), parameter.about()));
    }
    text
}

//! The operator is told, in order, signed, until it is heard.

use std::sync::Arc;
use std::time::Duration;

use calls::EventKind;
use delivery::guard::WebhookUrl;
use delivery::operator::{NOTICES_HELD, Notice, NotifierOptions, OperatorNotifier};
use delivery::sender::SenderOptions;
use delivery::signing::{Key, verify};
use journal::memory::Memory;
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, everything_to, options, url};
use crate::support::receiver::{Got, Receiver, status};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn operator(url: &str) -> OperatorNotifier {
    OperatorNotifier::start(NotifierOptions {
        url: WebhookUrl::parse(url).expect("a URL"),
        key: Some(Key::parse(SECRET).expect("a key")),
        connector: options().connector,
        response_timeout: Duration::from_secs(10),
    })
}

fn told(got: &Got) -> Value {
    let header = |name| got.header(name).expect("the header");
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let key = Key::parse(SECRET).expect("a key");
    let now = at.parse().expect("a number");
    verify(&[key], id, at, header("webhook-signature"), got.body.as_bytes(), now).expect("signed");
    serde_json::from_str(&got.body).expect("JSON")
}

#[tokio::test]
async fn the_operator_is_told_in_order_until_it_is_heard() {
    let mut refusals = 1;
    let mut receiver = Receiver::answering(move |_| {
        refusals -= 1;
        status(if refusals == 0 { 503 } else { 200 })
    })
    .await;
    let operator = operator(&url(receiver.address));
    for number in [1, 2] {
        operator.tell(Notice { kind: "test", data: json!({ "number": number }) });
    }
    let (first, again, second) = (receiver.next().await, receiver.next().await, receiver.next().await);
    assert_eq!((first.header("webhook-id"), &first.body), (again.header("webhook-id"), &again.body));
    assert_eq!([told(&again)["data"]["number"].clone(), told(&second)["data"]["number"].clone()], [1, 2]);
    assert_ne!(first.header("webhook-id"), second.header("webhook-id"));
}

#[tokio::test]
async fn a_crowd_of_notices_holds_nobody_up() {
    let operator = operator("http://127.0.0.1:9/");
    for number in 0..2 * NOTICES_HELD {
        operator.tell(Notice { kind: "test", data: json!({ "number": number }) });
    }
}

#[tokio::test]
async fn the_operator_is_told_of_webhooks_that_are_paused_and_resumed() {
    let mut notified = Receiver::always(200).await;
    let gone = Receiver::always(410).await;
    let options = SenderOptions { operator: operator(&url(notified.address)), ..options() };
    let hook = format!("{}?key=secret", url(gone.address));
    let gateway = Gateway::with(Arc::new(Memory::new()), everything_to(&hook), options).await;
    gateway.tell_one(EventKind::Ended, "a").await;
    let paused = told(&notified.next().await);
    assert_eq!(
        (&paused["type"], &paused["data"]["server_said"]),
        (&json!("webhook.paused"), &json!("HTTP 410"))
    );
    assert_eq!(paused["data"]["events"], json!(["Incoming", "Answered", "Outgoing", "Ended"]));
    assert_eq!(paused["data"]["url"], json!(url(gone.address)));
    gateway.sender.resume(gateway.integration, EventKind::Incoming, false).await.expect("resumed");
    let resumed = told(&notified.next().await);
    assert_eq!((&resumed["type"], &resumed["data"]["kept"]), (&json!("webhook.resumed"), &json!(0)));
}

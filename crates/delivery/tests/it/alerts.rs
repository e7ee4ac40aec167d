//! Accounts are told of their own web services: by a web service and by mail, once a state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use calls::EventKind;
use delivery::alert::{AccountNotifier, AlertOptions, MailError, MailOptions, Mailer, Security};
use delivery::sender::{SenderOptions, TOLD_FROM};
use delivery::signing::{Key, verify};
use journal::WallTime;
use journal::memory::Memory;
use journal::settings::{Account, AlertChoice, Integration, Secret, Setting, SettingKey, SigningSecret};
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, account, everything_to, options, retrying, url};
use crate::support::receiver::{Got, Receiver, status};
use crate::support::smtp::{Smtp, Speaks};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const AT: WallTime = WallTime(1_795_337_580_000_000);

fn mail_options(server: &Smtp, security: Security) -> MailOptions {
    MailOptions {
        host: "localhost".to_owned(),
        port: server.port,
        security,
        login: None,
        from: "Ringbud <ringbud@example.com>".to_owned(),
        ca_pem: Some(server.ca_pem.clone()),
    }
}

async fn send(options: MailOptions, to: &str) -> Result<(), MailError> {
    Mailer::new(options)?.send(to, "Webservice fejler: Åse", "Linje ét.\n.\nLinje to.\n", "alert-1", AT).await
}

/// A gateway whose account is told at these addresses.
async fn told_at(alert: AlertChoice, settings: Integration, mail: Option<Mailer>) -> Gateway {
    let connector = options().connector;
    let limit = Duration::from_secs(5);
    let alerts = AccountNotifier::start(AlertOptions { connector, limit, mail });
    let options = SenderOptions { alerts, ..options() };
    let gateway = Gateway::with(Arc::new(Memory::new()), settings, options).await;
    let setting = Setting::Account(Account { alert, ..Account::named("Nordlys") });
    gateway.book.put(SettingKey::Account(account()), Some(setting), None).await.expect("the account");
    gateway
}

fn told(got: &Got) -> Value {
    let header = |name| got.header(name).expect("the header");
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let now = at.parse().expect("a number");
    let key = Key::parse(SECRET).expect("a key");
    verify(&[key], id, at, header("webhook-signature"), got.body.as_bytes(), now).expect("signed");
    serde_json::from_str(&got.body).expect("JSON")
}

fn signed(url: &str) -> Integration {
    let secret = SigningSecret { secret: Secret::new(SECRET), until: None };
    Integration { secrets: vec![secret], ..everything_to(url) }
}

#[tokio::test]
async fn mail_goes_in_each_way_and_over_tls_where_it_was_asked_for() {
    for (speaks, security, is_secret) in [
        (Speaks::StartTls, Security::StartTls, true),
        (Speaks::Tls, Security::Tls, true),
        (Speaks::Plain, Security::Never, false),
    ] {
        let login = is_secret.then_some(("ringbud", "s3cret"));
        let mut server = Smtp::start(speaks, login).await;
        let mut options = mail_options(&server, security);
        options.login = login.map(|(name, password)| (name.to_owned(), Secret::new(password)));
        send(options, "drift@example.com").await.unwrap_or_else(|error| panic!("{speaks:?}: {error}"));
        let mail = server.next().await;
        assert_eq!((&*mail.from, &*mail.to), ("<ringbud@example.com>", "<drift@example.com>"));
        assert_eq!(mail.is_secret, is_secret, "{speaks:?}");
        for header in
            ["Auto-Submitted: auto-generated", "Message-ID: <alert-1@example.com>", "To: drift@example.com"]
        {
            assert!(mail.text.contains(header), "{header}: {}", mail.text);
        }
        assert!(mail.text.contains("Date: Sun, 22 Nov 2026"), "{}", mail.text);
    }
}

#[tokio::test]
async fn what_a_mail_server_refuses_is_told_in_words() {
    let server = Smtp::start(Speaks::StartTls, Some(("ringbud", "s3cret"))).await;
    let mut options = mail_options(&server, Security::StartTls);
    options.login = Some(("ringbud".to_owned(), Secret::new("wrong")));
    let refused = send(options, "drift@example.com").await.expect_err("a wrong password");
    assert!(
        matches!(&refused, MailError::Login(why) if why.contains("535") || why.contains("no such login")),
        "{refused}"
    );
    assert!(!refused.to_string().contains("wrong") && !refused.is_for_good(), "an operator mends it");

    for (speaks, security) in [(Speaks::StartTls, Security::StartTls), (Speaks::Tls, Security::Tls)] {
        let server = Smtp::start(speaks, None).await;
        let options = MailOptions { ca_pem: None, ..mail_options(&server, security) };
        let refused = send(options, "drift@example.com").await.expect_err("nobody has signed it");
        let told = refused.to_string().to_lowercase();
        assert!(told.contains("certificate") || told.contains("issuer"), "{speaks:?}: {refused:?}");
    }

    let mut server = Smtp::start(Speaks::Plain, None).await;
    let refused = send(mail_options(&server, Security::StartTls), "drift@example.com").await;
    assert!(matches!(refused, Err(MailError::NoStartTls)), "{refused:?}");
    let refused = send(mail_options(&server, Security::Never), "somebody@full.example")
        .await
        .expect_err("nobody there");
    assert!(refused.is_for_good(), "asking again is of no use: {refused}");
    let login = Some(("ringbud".to_owned(), Secret::new("s3cret")));
    let refused = Mailer::new(MailOptions { login, ..mail_options(&server, Security::Never) });
    assert!(refused.err().is_some_and(|error| error.to_string().contains("never told in clear")));
    for nobody in ["", "drift", "a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example, c@d.example"] {
        let refused = send(mail_options(&server, Security::Never), nobody).await;
        assert!(matches!(refused, Err(MailError::Address(_))), "{nobody}: {refused:?}");
    }
    send(mail_options(&server, Security::Never), "drift@example.com").await.expect("taken");
    assert_eq!(server.next().await.to, "<drift@example.com>", "and nothing of what was refused came before");
}

#[tokio::test]
async fn an_account_is_told_once_that_a_web_service_fails_and_once_that_it_works_again() {
    let mut notified = Receiver::always(200).await;
    let answer = Arc::new(AtomicU16::new(503));
    let says = answer.clone();
    let receiver = Receiver::answering(move |_| status(says.load(Ordering::Relaxed))).await;
    let hook = format!("{}?key=s3cret", url(receiver.address));
    let alert = AlertChoice { url: Some(url(notified.address)), ..AlertChoice::default() };
    let gateway = told_at(alert, signed(&hook), None).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(id, retrying).await;
    for _ in 0..2 {
        tokio::time::pause();
        tokio::time::advance(TOLD_FROM).await;
        tokio::time::resume();
    }
    let failing = told(&notified.next().await);
    assert_eq!((&failing["type"], &failing["data"]["language"]), (&json!("webhook.failing"), &json!("da")));
    let text = failing["data"]["text"].as_str().expect("words");
    assert!(text.contains("HTTP 503") && text.contains("Det kan I gøre"), "{text}");
    assert!(!failing.to_string().contains("s3cret"), "{failing}");
    answer.store(200, Ordering::Relaxed);
    gateway.sender.again(id).await.expect("sent again");
    let works = told(&notified.next().await);
    assert_eq!(works["type"], "webhook.works", "the failure was told once");
}

#[tokio::test]
async fn pausing_and_resuming_are_told_by_mail_in_the_accounts_language() {
    let mut server = Smtp::start(Speaks::StartTls, None).await;
    let mailer = Mailer::new(mail_options(&server, Security::StartTls)).expect("a mailer");
    let alert =
        AlertChoice { mail: Some("drift@example.com".to_owned()), language: "en".to_owned(), url: None };
    let gone = Receiver::always(410).await;
    let gateway = told_at(alert, signed(&url(gone.address)), Some(mailer)).await;
    gateway.tell_one(EventKind::Ended, "a").await;
    let paused = server.next().await;
    assert!(paused.text.contains("Subject: Web service paused: Nordlys (1001)"), "{}", paused.text);
    assert!(paused.is_secret && paused.to == "<drift@example.com>");
    gateway.sender.resume(gateway.integration, EventKind::Incoming, false).await.expect("resumed");
    let resumed = server.next().await;
    assert!(resumed.text.contains("Subject: Web service resumed: Nordlys (1001)"), "{}", resumed.text);
}

#[tokio::test]
async fn what_is_paused_together_is_told_once_for_each_web_service() {
    let mut notified = Receiver::always(200).await;
    let receiver = Receiver::always(200).await;
    let (calls, ends) = (url(receiver.address), format!("{}/ends", url(receiver.address)));
    let alert = AlertChoice { url: Some(url(notified.address)), ..AlertChoice::default() };
    let mut settings = signed(&calls);
    settings.ended_url = Some(ends.clone());
    settings.answered_url = None;
    let gateway = told_at(alert, settings, None).await;
    let revision = gateway.book.watch();
    let before = *revision.borrow();
    gateway.sender.pause(gateway.integration, &EventKind::ALL).await.expect("paused");
    assert_eq!(*revision.borrow(), before + 1, "in one write, so that nobody sees half of them paused");
    let (_, settings) = gateway.book.integration(gateway.integration).expect("the integration");
    assert_eq!(settings.paused.len(), 4);
    let mut all = [told(&notified.next().await), told(&notified.next().await)]
        .map(|one| (one["data"]["url"].clone(), one["data"]["events"].clone()));
    all.sort_by_key(|(url, _)| url.to_string());
    assert_eq!(all, [(json!(calls), json!(["Incoming", "Outgoing"])), (json!(ends), json!(["Ended"]))]);
    // Paused again, they are told no more.
    gateway.sender.pause(gateway.integration, &EventKind::ALL).await.expect("paused");
    // Nor of what has no web service.
    for kind in [EventKind::Answered, EventKind::Ended] {
        gateway.sender.resume(gateway.integration, kind, false).await.expect("resumed");
    }
    let resumed = told(&notified.next().await);
    assert_eq!(
        (&resumed["type"], &resumed["data"]["events"]),
        (&json!("webhook.resumed"), &json!(["Ended"]))
    );
}

#[tokio::test]
async fn an_alert_that_is_not_taken_is_tried_again_and_holds_up_nobody_elses() {
    let mut refusals = 2;
    let mut notified = Receiver::answering(move |_| {
        refusals -= 1;
        status(if refusals >= 0 { 503 } else { 200 })
    })
    .await;
    let receiver = Receiver::always(200).await;
    let alert = AlertChoice { url: Some(url(notified.address)), ..AlertChoice::default() };
    let gateway = told_at(alert, signed(&url(receiver.address)), None).await;
    gateway.sender.pause(gateway.integration, &[EventKind::Ended]).await.expect("paused");
    let first = notified.next().await;
    let again = [notified.next().await, notified.next().await];
    for one in &again {
        assert_eq!((one.header("webhook-id"), &one.body), (first.header("webhook-id"), &first.body));
    }
    assert_eq!(told(&again[1])["type"], "webhook.paused");
}

#[tokio::test]
async fn an_address_that_the_guard_refuses_is_not_asked() {
    let mut notified = Receiver::always(200).await;
    let receiver = Receiver::always(200).await;
    let alert = AlertChoice { url: Some(url(notified.address)), ..AlertChoice::default() };
    let limit = Duration::from_secs(5);
    // The default guard: nothing local.
    let connector = delivery::connect::ConnectorOptions::default();
    let alerts = AccountNotifier::start(AlertOptions { connector, limit, mail: None });
    let gateway = told_at(alert.clone(), signed(&url(receiver.address)), None).await;
    let book = gateway.book.account(&account()).expect("the account");
    let what = delivery::alert::What::Works;
    alerts
        .tell(&book, &delivery::alert::Alert { what, url: "https://a.example/".to_owned(), events: vec![] });
    // What the right guard lets through comes, and nothing before it.
    gateway.sender.pause(gateway.integration, &[EventKind::Ended]).await.expect("paused");
    assert_eq!(told(&notified.next().await)["type"], "webhook.paused");
}

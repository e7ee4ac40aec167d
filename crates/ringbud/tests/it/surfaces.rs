//! The command line, the API and the store of one gateway: the same change by each does the same.

use serde_json::Value;

use crate::bed::Bed;

/// What the API has of something.
async fn shown(gateway: &crate::bed::Gateway, path: &str, token: &str) -> Value {
    let (status, body) = gateway.api("GET", &format!("/api/v1/accounts/1001/{path}"), token, "").await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn what_the_command_line_is_not_told_stays_and_what_it_does_is_noted_as_done_by_its_user() {
    let bed = Bed::new().await;
    bed.ask(&["account", "set", "1001", "--name", "Nordlys"]).await;
    let token = bed.ask(&["token", "create", "--name", "check"]).await;
    let token = token.trim();
    let gateway = bed.serve().await;

    bed.ask(&["employee", "set", "1001", "101", "--name", "Mette"]).await;
    bed.ask(&["employee", "set", "1001", "101"]).await;
    bed.ask(&["phone", "set", "1001", "201", "--name", "Desk"]).await;
    bed.ask(&["phone", "set", "1001", "201", "--employee", "777"]).await;
    bed.ask(&["phone", "set", "1001", "201"]).await;
    let made = gateway.api("PUT", "/api/v1/accounts/1001/phones/202", token, r#"{"employee": "778"}"#).await;
    assert_eq!(made.0, 201, "{}", made.1);

    // The gateway takes changes of another process in within a second; a change of its own takes them in at once.
    assert_eq!(shown(&gateway, "employees/101", token).await["name"], "Mette");
    let phone = shown(&gateway, "phones/201", token).await;
    assert_eq!((&phone["name"], &phone["employee"]), (&"Desk".into(), &"777".into()));
    assert_eq!(shown(&gateway, "employees/777", token).await["name"], "", "by the command line");
    assert_eq!(shown(&gateway, "employees/778", token).await["name"], "", "and by the API");

    bed.ask(&["phone", "set", "1001", "201", "--same-number"]).await;
    assert!(
        bed.ask(&["phone", "list", "1001"])
            .await
            .lines()
            .any(|line| line.starts_with("201") && line.ends_with("201"))
    );
    for (refused, says) in [
        (&["employee", "remove", "1001", "999"][..], "there is no such employee"),
        (&["phone", "set", "1001", "a b"][..], "number: a local number is"),
        (&["token", "create", "--name", "t", "--account", "9999"][..], "there is no account 9999"),
        (&["employee", "set", "9999", "101"][..], "there is no account 9999"),
        (
            &["integration", "set", "1001", "--incoming-url", "http://10.0.0.1/"][..],
            "10.0.0.1 is a private address",
        ),
    ] {
        let done = bed.run(refused).await;
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{refused:?}");
        assert!(said.contains(says), "{refused:?}: {said}");
    }
    bed.ask(&["account", "remove", "1001"]).await;
    gateway.stop().await;

    let config = ringbud::config::Config::load(&bed.config(), ringbud::config::Purpose::Work).unwrap();
    let store = ringbud::store::Store::open_beside(&config).await.unwrap();
    let log = store.journal.audit(journal::AuditFilter::default()).await.unwrap().entries;
    let by_hand: Vec<_> = log
        .iter()
        .filter(|one| one.kind == journal::ActorKind::Cli)
        .map(|one| (&*one.what, &*one.subject))
        .collect();
    assert!(log.iter().all(|one| one.kind != journal::ActorKind::Cli || !one.actor.is_empty()));
    assert_eq!(
        by_hand,
        [
            ("audit.account_removed", ""),
            ("audit.phone", "201"),
            ("audit.phone", "201"),
            ("audit.phone", "201"),
            ("audit.employee", "777"),
            ("audit.phone", "201"),
            ("audit.employee", "101"),
            ("audit.employee", "101"),
            ("audit.token", "check"),
            ("audit.account_made", ""),
        ]
    );
}

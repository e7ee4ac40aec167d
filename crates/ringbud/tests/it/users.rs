//! People who log in, from the command line: one-time links in the place of invented passwords.

use crate::bed::{Bed, Gateway};

const PASSWORD: &str = "a short sentence";

/// The path of a link, as it was printed.
fn path(printed: &str) -> &str {
    let line = printed.lines().next().unwrap();
    assert_eq!(printed.lines().count(), 1, "alone on its line: {printed}");
    &line[line.find("/welcome?key=").unwrap()..]
}

/// Chooses a password with a link; the status.
async fn choose(gateway: &Gateway, path: &str, password: &str) -> u16 {
    let key = path.split_once("key=").unwrap().1;
    let form = format!("key={key}&password={0}&again={0}", password.replace(' ', "+"));
    gateway.api("POST", "/welcome", "", &form).await.0
}

async fn logs_in(gateway: &Gateway, name: &str, password: &str) -> bool {
    let form = format!("name={name}&password={}", password.replace(' ', "+"));
    gateway.api("POST", "/login", "", &form).await.0 == 303
}

#[tokio::test]
async fn a_lone_operator_who_forgot_the_password_gets_in_from_the_machine() {
    let bed = Bed::new().await;
    let gateway = bed.serve().await;
    let invited = bed.ask(&["user", "set", "olga", "--role", "operator"]).await;
    let link = path(&invited);
    assert!(!logs_in(&gateway, "olga", "").await, "nobody comes in without a password");
    assert_eq!(choose(&gateway, link, "short").await, 200, "the form again");
    assert_eq!(choose(&gateway, link, PASSWORD).await, 303);
    assert_eq!(choose(&gateway, link, "another sentence").await, 200, "the link is used up");
    assert!(logs_in(&gateway, "olga", PASSWORD).await);

    let first = bed.ask(&["user", "reset", "olga"]).await;
    let second = bed.ask(&["user", "reset", "olga"]).await;
    assert!(logs_in(&gateway, "olga", PASSWORD).await, "the old one is good until the link is used");
    assert_eq!(choose(&gateway, path(&first), "another sentence").await, 200, "a newer one took its place");
    assert_eq!(choose(&gateway, path(&second), "another sentence").await, 303);
    assert!(
        !logs_in(&gateway, "olga", PASSWORD).await && logs_in(&gateway, "olga", "another sentence").await
    );

    // Nobody but the last operator can lock the door from inside.
    for refused in
        [&["user", "remove", "olga"][..], &["user", "set", "olga", "--role", "account", "--account", "1001"]]
    {
        bed.ask(&["account", "set", "1001"]).await;
        let done = bed.run(refused).await;
        assert_eq!(done.status.code(), Some(1), "{refused:?}");
        assert!(String::from_utf8(done.stderr).unwrap().contains("this is the last operator"), "{refused:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn users_are_for_accounts_that_are_there_and_are_listed_with_how_they_log_in() {
    let bed = Bed::new().await;
    for (refused, says) in [
        (&["user", "set", "mette", "--account", "9999"][..], "there is no account 9999"),
        (&["user", "set", "mette"][..], "scope: a new user needs a scope"),
        (&["user", "set", "mette", "--role", "account"][..], "this scope needs the account"),
        (
            &["user", "set", "mette", "--role", "operator", "--account", "1001"][..],
            "an operator is not for one account",
        ),
        (&["user", "set", "me tte", "--role", "operator"][..], "a user name is 1 to 64"),
        (&["user", "set", "oidc:1", "--role", "operator"][..], "a user name is 1 to 64"),
        (&["user", "reset", "mette"][..], "there is no such user"),
        (&["user", "remove", "mette"][..], "there is no such user"),
    ] {
        let done = bed.run(refused).await;
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{refused:?}");
        assert!(said.contains(says) && done.stdout.is_empty(), "{refused:?}: {said}");
    }
    assert_eq!(bed.ask(&["user", "list", "--json"]).await.trim(), "[]", "nothing of it was kept");
    assert_eq!(bed.run(&["user", "set", "mette", "--role", "boss"]).await.status.code(), Some(2));

    bed.ask(&["account", "set", "1001"]).await;
    path(&bed.ask(&["user", "set", "mette", "--account", "1001"]).await);
    let listed = bed.ask(&["user", "list"]).await;
    let row = listed.lines().find(|line| line.starts_with("mette")).unwrap();
    assert!(row.contains("account") && row.contains("1001") && row.contains("link until 20"), "{row}");
    // Only the role: the account stays, and so does the person.
    bed.ask(&["user", "set", "mette", "--role", "read-only"]).await;
    let listed = bed.ask(&["user", "list"]).await;
    assert!(listed.contains("read-only") && listed.contains("1001"), "{listed}");
    bed.ask(&["user", "remove", "mette"]).await;
    assert_eq!(bed.ask(&["user", "list", "--json"]).await.trim(), "[]");

    let config = ringbud::config::Config::load(&bed.config(), ringbud::config::Purpose::Work).unwrap();
    let store = ringbud::store::Store::open_beside(&config).await.unwrap();
    let log = store.journal.audit(journal::AuditFilter::default()).await.unwrap().entries;
    assert!(log.iter().all(|one| one.kind == journal::ActorKind::Cli));
    let mut what: Vec<_> = log.iter().map(|one| (&*one.what, &*one.subject)).collect();
    what.reverse();
    let link = [("audit.user", "mette"), ("audit.user_link", "mette")];
    let expected =
        [&[("audit.account_made", "")][..], &link, &link, &[("audit.user_removed", "mette")]].concat();
    assert_eq!(what, expected);
}

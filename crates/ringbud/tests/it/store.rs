//! The data folder: whose it is, and what can be wrong with it.

use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, DeliveryState, Filter, Sqlite};

use crate::bed::{Bed, Gateway};

#[tokio::test]
async fn a_second_gateway_on_the_same_folder_is_refused() {
    let bed = Bed::new().await;
    let gateway = bed.serve().await;
    let done = bed.run(&["serve"]).await;
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("in use by another ringbud"), "{said}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_made_while_the_gateway_runs_lets_in_at_once() {
    let bed = Bed::new().await;
    let gateway = bed.serve().await;
    assert_eq!(gateway.api("GET", "/api/v1/accounts", "rb_nonsense", "").await.0, 401);
    let printed = bed.ask(&["token", "create", "--name", "crm"]).await;
    let token = printed.strip_suffix('\n').unwrap();
    assert!(!token.contains(char::is_whitespace), "the token is not alone: {printed:?}");
    let (status, body) = gateway.api("PUT", "/api/v1/accounts/1001", token, r#"{"name":"A"}"#).await;
    assert_eq!(status, 201, "{body}");
    let again = bed.run(&["token", "create", "--name", "crm"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8(again.stderr).unwrap().contains("there is a token named crm already"));
    assert!(bed.ask(&["account", "list"]).await.contains("1001"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_store_that_is_none_is_refused_in_words() {
    let bed = Bed::new().await;
    let gateway = bed.serve().await;
    gateway.stop().await;
    for file in std::fs::read_dir(bed.data()).unwrap().map(Result::unwrap) {
        if file.file_name().to_string_lossy().starts_with("journal") {
            std::fs::write(file.path(), vec![b'x'; 8192]).unwrap();
        }
    }
    let done = bed.run(&["serve"]).await;
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("is damaged"), "{said}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let bed = Bed::new().await;
    std::fs::write(bed.data(), "a file").unwrap();
    let done = bed.run(&["serve"]).await;
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("data"), "{said}");
}

#[tokio::test]
async fn a_key_that_is_not_the_stores_is_refused() {
    let bed = Bed::new().await;
    bed.integrate("POST").await;
    bed.write(&format!("secret_key = \"another\"\n{}", bed.sound()));
    let done = bed.run(&["serve"]).await;
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("sealed with another key"), "{said}");
}

#[tokio::test]
async fn what_happened_is_there_after_a_restart() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let account = bed.requests(3).await[0].parameter("AccountId").to_owned();
    gateway.stop().await;
    let token = bed.ask(&["token", "create", "--name", "reader"]).await;
    let gateway = Gateway::start(&bed.config()).await;
    let (status, body) =
        gateway.api("GET", &format!("/api/v1/accounts/{account}/events"), token.trim(), "").await;
    assert_eq!(status, 200, "{body}");
    for kind in ["Incoming", "Answered", "Ended"] {
        assert!(body.contains(kind), "{body}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn without_attempts_what_became_of_a_delivery_is_kept_and_the_request_is_not() {
    for keeps in [true, false] {
        let mut bed = Bed::new().await;
        bed.write(&format!("{}\n[keep]\nattempts = {keeps}\n", bed.sound()));
        bed.integrate("POST").await;
        let gateway = bed.serve().await;
        bed.play(&["inbound-answered"], 50.0).await;
        bed.requests(3).await;
        gateway.stop().await;
        let sealer = Sealer::from_key_file(&bed.data().join("secret.key")).unwrap();
        let journal = Sqlite::open(&bed.data(), Access::Gateway, sealer).unwrap();
        let deliveries = journal.deliveries(Filter::default()).await.unwrap();
        assert_eq!(deliveries.len(), 3);
        for one in deliveries {
            assert_eq!((one.state, one.attempts), (DeliveryState::Delivered, 1));
            let bodies = journal.attempts(one.id).await.unwrap().into_iter().map(|one| one.request_body);
            assert_eq!(bodies.filter(|body| !body.is_empty()).count(), usize::from(keeps));
        }
    }
}

/// Also in a folder that systemd or a person made for everybody to read, and of a store that was there before.
#[tokio::test]
async fn nobody_but_its_owner_reads_what_is_kept_whatever_the_umask_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let bed = Bed::new().await;
    bed.serve().await.stop().await;
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let files = || std::fs::read_dir(bed.data()).unwrap().map(|entry| entry.unwrap().path());
    open(&bed.data(), 0o755);
    files().for_each(|file| open(&file, 0o644));
    let gateway = bed.serve().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bed.data()), 0o700);
    for file in files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    gateway.stop().await;
}

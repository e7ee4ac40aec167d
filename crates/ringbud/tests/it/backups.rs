//! Backups: of a running store, into a bare folder; what is refused, and in which words. And another key.

use std::path::{Path, PathBuf};

use demo::receiver::Received;
use http::StatusCode;

use crate::bed::{Bed, Gateway, kinds};

/// The configuration of the bed with another data folder.
fn elsewhere(bed: &Bed, folder: &str) {
    bed.write(&bed.sound().replace("data_dir = \"data\"", &format!("data_dir = \"{folder}\"")));
}

fn in_folder(bed: &Bed, name: &str) -> PathBuf {
    bed.folder.path().join(name)
}

/// What a command that has to fail says.
async fn refused(bed: &Bed, arguments: &[&str]) -> String {
    let done = bed.run(arguments).await;
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {said}");
    said
}

fn ids(requests: &[Received]) -> Vec<String> {
    let mut ids: Vec<_> = requests.iter().map(|one| one.header("webhook-id").to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_backup_of_a_running_store_is_restored_into_a_bare_folder_and_what_was_pending_is_delivered() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, std::time::Duration::ZERO);
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let first = bed.request().await;
    assert_eq!(first.status, StatusCode::SERVICE_UNAVAILABLE);
    let token = bed.ask(&["token", "create", "--name", "reader"]).await;
    let account = first.parameter("AccountId").to_owned();
    // All three are kept before the copy is taken.
    crate::bed::patiently("three events", async {
        let path = format!("/api/v1/accounts/{account}/events");
        while gateway.api("GET", &path, token.trim(), "").await.1.matches("\"parameters\"").count() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (file, words) = (in_folder(&bed, "kept.backup"), in_folder(&bed, "words"));
    std::fs::write(&words, "a short sentence\n").unwrap();
    let (file, words) = (file.to_str().unwrap(), words.to_str().unwrap());
    let done = bed.run(&["backup", "--passphrase-file", words, file]).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(mode(Path::new(file)), 0o600);
    let bytes = std::fs::read(file).unwrap();
    for seen in [&b"SQLite format 3"[..], account.as_bytes(), b"Incoming"] {
        let clear = bytes.windows(seen.len()).any(|bytes| bytes == seen);
        assert!(!clear || seen.len() < 6, "{:?} is read by anybody", String::from_utf8_lossy(seen));
    }
    gateway.stop().await;

    elsewhere(&bed, "bare");
    bed.receiver.behave(StatusCode::OK, std::time::Duration::ZERO);
    bed.ask(&["restore", "--passphrase-file", words, file]).await;
    let (bare, mut left) = (in_folder(&bed, "bare"), Vec::new());
    for entry in std::fs::read_dir(&bare).unwrap() {
        left.push(entry.unwrap().file_name().into_string().unwrap());
    }
    left.sort_unstable();
    assert_eq!(left, ["journal.sqlite", "secret.key"], "nothing else is left there");
    assert_eq!((mode(&bare.join("journal.sqlite")), mode(&bare.join("secret.key"))), (0o600, 0o600));
    let gateway = bed.serve().await;
    let told = bed.events(3).await;
    assert_eq!(kinds(&told), ["Incoming", "Answered", "Ended"]);
    assert!(ids(&told).contains(&first.header("webhook-id").to_owned()), "by the ids they had");
    let (status, _) = gateway.api("GET", "/api/v1/accounts", token.trim(), "").await;
    assert_eq!(status, 200, "tokens are there too");
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_backed_up_or_restored_is_refused_in_words_and_changes_nothing() {
    let bed = Bed::new().await;
    let (file, words, others) = (in_folder(&bed, "b"), in_folder(&bed, "words"), in_folder(&bed, "others"));
    std::fs::write(&words, "a short sentence").unwrap();
    std::fs::write(&others, "another sentence").unwrap();
    let (file, words, others) = (file.to_str().unwrap(), words.to_str().unwrap(), others.to_str().unwrap());
    assert!(refused(&bed, &["backup", file]).await.contains("there is no store in"));
    assert!(!bed.data().exists(), "and none was made");
    bed.integrate("POST").await;
    bed.ask(&["backup", "--passphrase-file", words, file]).await;
    let whole = std::fs::read(file).unwrap();
    assert!(refused(&bed, &["backup", file]).await.contains("not overwritten"));
    assert_eq!(std::fs::read(file).unwrap(), whole);
    assert!(
        refused(&bed, &["backup", "--passphrase-file", "/nonexistent", "x"]).await.contains("/nonexistent")
    );
    assert!(refused(&bed, &["backup", "/nonexistent/x"]).await.contains("/nonexistent/x"));
    assert!(
        refused(&bed, &["restore", "--passphrase-file", words, file]).await.contains("there is a store in")
    );

    elsewhere(&bed, "bare");
    let with_words = ["restore", "--passphrase-file", words];
    assert!(refused(&bed, &["restore", file]).await.contains("it is encrypted"));
    let said = refused(&bed, &["restore", "--passphrase-file", others, file]).await;
    assert!(said.contains("the passphrase is another one"), "{said}");
    let broken = in_folder(&bed, "broken");
    let restore = |bytes: Vec<u8>| {
        std::fs::write(&broken, bytes).unwrap();
        let arguments = [&with_words[..], &[broken.to_str().unwrap()]].concat();
        let bed = &bed;
        async move { refused(bed, &arguments.iter().map(|one| &**one).collect::<Vec<_>>()).await }
    };
    assert!(restore(whole[..whole.len() - 1].to_vec()).await.contains("it is cut off"));
    assert!(restore(whole[..20].to_vec()).await.contains("cut off"));
    assert!(restore(b"SQLite format 3".to_vec()).await.contains("no backup of ringbud"));
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let said = restore(changed).await;
    assert!(said.contains("it is damaged") || said.contains("damaged at its beginning"), "{said}");
    let newer = String::from_utf8_lossy(&whole).replacen("\"format\":", "\"format\":9", 1);
    let newer = newer.split_inclusive('\n').take(2).collect::<String>().into_bytes();
    let said = restore(newer).await;
    assert!(said.contains("this ringbud knows up to"), "{said}");
    let left: Vec<_> = std::fs::read_dir(in_folder(&bed, "bare")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    std::fs::write(in_folder(&bed, "bare/secret.key"), [7; 32]).unwrap();
    let said = refused(&bed, &[&with_words[..], &[file]].concat()).await;
    assert!(said.contains("the key of another store"), "{said}");
}

#[tokio::test]
async fn a_backup_says_which_key_it_needs() {
    let bed = Bed::new().await;
    let named = |key: &str, folder: &str| {
        bed.write(&format!(
            "secret_key = \"{key}\"\n{}",
            bed.sound().replace("\"data\"", &format!("\"{folder}\""))
        ));
    };
    named("one", "data");
    bed.ask(&["account", "set", "1001"]).await;
    let id = bed.ask(&["key", "id"]).await;
    let file = in_folder(&bed, "b");
    let file = file.to_str().unwrap();
    bed.ask(&["backup", file]).await;
    let looked = bed.ask(&["restore", "--look", file]).await;
    assert!(looked.contains(id.trim()) && looked.contains("secret_key"), "{looked}");
    for other in [Some("two"), None] {
        match other {
            Some(key) => named(key, "bare"),
            None => elsewhere(&bed, "bare"),
        }
        let said = refused(&bed, &["restore", file]).await;
        assert!(said.contains(id.trim()), "{said}");
    }
    named("one", "bare");
    bed.ask(&["restore", file]).await;
    assert!(bed.ask(&["account", "list"]).await.contains("1001"));

    // Another text as the key: the configuration has to follow.
    let text = in_folder(&bed, "text");
    std::fs::write(&text, "two\n").unwrap();
    let said = refused(&bed, &["key", "rotate"]).await;
    assert!(said.contains("--to"), "{said}");
    bed.ask(&["key", "rotate", "--to", text.to_str().unwrap()]).await;
    assert!(refused(&bed, &["account", "list"]).await.contains("sealed with another key"));
    named("two", "bare");
    assert!(bed.ask(&["account", "list"]).await.contains("1001"));
}

#[tokio::test]
async fn the_key_is_changed_and_everything_is_sealed_anew() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    sign(&bed).await;
    let gateway = bed.serve().await;
    assert!(refused(&bed, &["key", "rotate"]).await.contains("in use by another ringbud"));
    gateway.stop().await;
    let file = in_folder(&bed, "b");
    let file = file.to_str().unwrap();
    bed.ask(&["backup", file]).await;
    let (old, before) =
        (bed.ask(&["key", "id"]).await, std::fs::read(bed.data().join("secret.key")).unwrap());
    let shown = bed.ask(&["integration", "show", "1001"]).await;
    let sealed = sealed(&bed).await;
    bed.ask(&["key", "rotate"]).await;
    let (new, after) = (bed.ask(&["key", "id"]).await, std::fs::read(bed.data().join("secret.key")).unwrap());
    assert!(old != new && before != after);
    assert_eq!(bed.ask(&["integration", "show", "1001"]).await, shown);
    assert_eq!(mode(&bed.data().join("secret.key")), 0o600);
    let store = std::fs::read(bed.data().join("journal.sqlite")).unwrap();
    assert!(!sealed.is_empty());
    for text in sealed {
        let found = store.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        assert!(!found, "what the old key sealed is in the file still");
    }
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    bed.events(3).await;
    gateway.stop().await;
    assert!(bed.ask(&["restore", "--look", file]).await.contains(old.trim()), "the backup names its own key");

    // Interrupted before anything was sealed with the new key, and after everything was.
    let key = |name: &str| bed.data().join(name);
    std::fs::write(key("secret.key.next"), [7; 32]).unwrap();
    bed.ask(&["integration", "show", "1001"]).await;
    assert_eq!(bed.ask(&["key", "id"]).await, new);
    std::fs::rename(key("secret.key"), key("secret.key.next")).unwrap();
    std::fs::write(key("secret.key"), &before).unwrap();
    assert_eq!(bed.ask(&["integration", "show", "1001"]).await, shown);
    assert_eq!(bed.ask(&["key", "id"]).await, new);
}

/// Gives the account a secret to sign with.
async fn sign(bed: &Bed) {
    let file = in_folder(bed, "secret.json");
    std::fs::write(&file, r#"{"secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}"#).unwrap();
    bed.ask(&["integration", "set", "1001", "--json", file.to_str().unwrap()]).await;
}

/// Every value in the store that was sealed.
async fn sealed(bed: &Bed) -> Vec<String> {
    let store = std::fs::read(bed.data().join("journal.sqlite")).unwrap();
    let text = String::from_utf8_lossy(&store).into_owned();
    let sealed =
        |part: &str| part.len() > 60 && part.chars().all(|c| c.is_ascii_alphanumeric() || "+/".contains(c));
    text.split('"').filter(|part| sealed(part)).map(str::to_owned).collect()
}

/// Killed at many moments: whichever key it has then, the store opens.
#[tokio::test]
async fn a_change_of_the_key_that_is_killed_leaves_a_store_that_opens() {
    let bed = Bed::new().await;
    bed.integrate("POST").await;
    sign(&bed).await;
    let shown = bed.ask(&["integration", "show", "1001"]).await;
    let mut ids = std::collections::BTreeSet::new();
    for step in 0..24_u64 {
        let config = bed.config();
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_ringbud"))
            .args(["key", "rotate", "--config", config.to_str().unwrap()])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let _ = tokio::time::timeout(std::time::Duration::from_millis(step * 4), child.wait()).await;
        let _ = child.kill().await;
        assert_eq!(bed.ask(&["integration", "show", "1001"]).await, shown, "killed after {} ms", step * 4);
        ids.insert(bed.ask(&["key", "id"]).await);
    }
    bed.ask(&["key", "rotate"]).await;
    ids.insert(bed.ask(&["key", "id"]).await);
    assert!(ids.len() > 1);
    let gateway = Gateway::start(&bed.config()).await;
    gateway.stop().await;
}

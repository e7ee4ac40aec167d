//! What is kept about a person, from the command line: with a gateway that runs, and without.

use serde_json::Value;

use crate::bed::{Bed, own_address, patiently};
use crate::secure;

async fn export(bed: &Bed, whose: &[&str]) -> Vec<Value> {
    let told = bed.ask(&[&["export"], whose].concat()).await;
    serde_json::from_str::<Value>(&told).unwrap()["legs"].as_array().unwrap().clone()
}

/// What waits for paused web services.
async fn paused(bed: &Bed, account: &str) -> Vec<Value> {
    let listed = bed.ask(&["delivery", "list", account, "--state", "paused", "--json"]).await;
    serde_json::from_str::<Value>(&listed).unwrap().as_array().unwrap().clone()
}

/// A bed whose gateway listens where commands find it.
async fn bed() -> Bed {
    let bed = Bed::new().await;
    let free = own_address().to_string();
    bed.write(&bed.sound().replace("127.0.0.1:0", &free));
    bed.integrate("POST").await;
    bed
}

#[tokio::test]
async fn what_is_erased_beside_the_gateway_is_gone_and_what_waited_of_it_is_never_sent() {
    let mut bed = bed().await;
    let gateway = bed.serve().await;
    // What happens now waits for web services that are paused.
    for account in demo::cast::ACCOUNTS {
        bed.ask(&["delivery", "pause", account.id]).await;
    }
    bed.play(&["inbound-answered"], 50.0).await;
    let mut waiting = Vec::new();
    patiently("three that wait", async {
        while waiting.len() < 3 {
            waiting.clear();
            for account in demo::cast::ACCOUNTS {
                waiting.extend(paused(&bed, account.id).await.into_iter().map(|one| (account.id, one)));
            }
        }
    })
    .await;
    let (account, one) = waiting.first().expect("a delivery that waits");
    assert_eq!(one["waits_for"], "web_service_paused");
    let listed = bed.ask(&["delivery", "list", account, "--state", "paused"]).await;
    assert!(listed.contains("somebody to resume its web service") && !listed.contains("null"), "{listed}");
    let employee = one["employee"].as_str().unwrap();
    let whose = [*account, "--employee", employee];
    let before = export(&bed, &whose).await;
    assert_eq!(
        (before[0]["events"].as_array().unwrap().len(), &before[0]["call"]["employee"]),
        (3, &employee.into())
    );
    let number = before[0]["call"]["a_number"].as_str().unwrap();
    let csv = bed.ask(&[&["export"], &whose[..], &["--csv"]].concat()).await;
    assert_eq!(csv.lines().count(), before.len() + 1, "{csv}");

    let asked = bed.run(&[&["erase"], &whose[..]].concat()).await;
    assert_eq!(asked.status.code(), Some(1), "nobody is there to be asked");
    assert_eq!(export(&bed, &whose).await.len(), before.len());
    let said = bed.ask(&[&["erase"], &whose[..], &["--yes"]].concat()).await;
    assert!(said.contains("event(s) erased") && !said.contains(" 0 waiting"), "{said}");
    assert!(export(&bed, &whose).await.is_empty());
    assert!(paused(&bed, account).await.iter().all(|one| one["employee"] != employee));
    // Resumed, nothing of it goes out: what comes next is the test call of another employee.
    bed.ask(&["delivery", "resume", account]).await;
    bed.ask(&["employee", "set", account, "777"]).await;
    bed.ask(&["delivery", "test", account, "777"]).await;
    let next = bed.request().await;
    assert_eq!(next.parameter("EmployeeLocalNumber"), "777");
    let log = gateway.stop().await;
    let erased: Vec<_> = log.iter().filter(|line| line["what"] == "audit.erased").collect();
    assert_eq!(erased.len(), 1, "{log:?}");
    assert!(!format!("{erased:?}").contains(number) || number.is_empty(), "{erased:?}");
}

#[tokio::test]
async fn a_number_is_erased_from_a_store_that_no_gateway_has() {
    let mut bed = bed().await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let told = bed.requests(3).await.remove(0);
    let (number, account) = (told.parameter("ANumber").to_owned(), told.parameter("AccountId").to_owned());
    gateway.stop().await;
    let file = bed.folder.path().join("person.json").display().to_string();
    bed.ask(&["export", &account, "--number", &number, "-o", &file]).await;
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let told: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(told["legs"][0]["call"]["a_number"], number.as_str(), "{told}");
    bed.ask(&["erase", &account, "--number", &number, "--yes"]).await;
    let told = bed.ask(&["export", &account, "--number", &number]).await;
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["legs"], Value::Array(Vec::new()));
    for (refused, why) in [
        (&["erase", &*account, "--yes"][..], "required"),
        (&["erase", "9999", "--number", "7", "--yes"], "no such account"),
        (&["export", &*account, "--number", "7", "-o", &*file], "File exists"),
    ] {
        let done = bed.run(refused).await;
        let said = String::from_utf8(done.stderr).unwrap();
        assert_ne!(done.status.code(), Some(0));
        assert!(said.contains(why), "{refused:?}: {said}");
    }
}

#[tokio::test]
async fn a_gateway_that_speaks_https_is_known_by_its_certificate_whatever_name_that_is_for() {
    let mut bed = bed().await;
    let put = |name: &str, text: &str| std::fs::write(bed.folder.path().join(name), text).unwrap();
    let (certificate, key, _) = secure::certificate("calls.example.com");
    put("cert.pem", &certificate);
    put("key.pem", &key);
    let config = std::fs::read_to_string(bed.config()).unwrap();
    bed.write(&config.replace("[http]\n", "[http]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n"));
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let told = bed.requests(3).await.remove(0);
    let (number, account) = (told.parameter("ANumber").to_owned(), told.parameter("AccountId").to_owned());
    let whose = [&*account, "--number", &number];
    assert!(!export(&bed, &whose).await.is_empty());
    bed.ask(&[&["erase"], &whose[..], &["--yes"]].concat()).await;
    assert!(export(&bed, &whose).await.is_empty());
    // Nobody else is taken for it, and the token goes to nobody else.
    let (other, _, _) = secure::certificate("calls.example.com");
    std::fs::write(bed.folder.path().join("cert.pem"), other).unwrap();
    let refused = bed.run(&[&["export"], &whose[..]].concat()).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && said.contains("certificate"), "{said}");
    gateway.stop().await;
}

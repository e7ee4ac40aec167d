//! Who did what, when and from where: shown by filters and pages in the window and by the API, to whom it concerns.

use admin::{EmployeeWish, Expect};

use super::at_machine;
use crate::rig::Rig;
use crate::window::browser::{Browser, PASSWORD};

/// Changes of accounts 1 and 2 by a person, two tokens and the command line.
async fn busy(rig: &Rig) -> Browser<'_> {
    let mut olga = Browser::first(rig).await;
    olga.from = Some("192.0.2.7".parse().unwrap());
    olga.post("/a/1/people/employee", &[("number", "101"), ("name", "Mette")]).await;
    rig.put(&rig.admin, "/api/v1/accounts/1/employees/102", "{}").await;
    rig.put(&rig.operator, "/api/v1/accounts/2/employees/103", "{}").await;
    rig.room.set_employee(&at_machine(), "2", "104", EmployeeWish::default(), Expect::Any).await.unwrap();
    olga
}

/// The subjects of the rows, of which each here is an employee.
fn shown(page: &str) -> Vec<&'static str> {
    let cells = ["101", "102", "103", "104"].map(|number| (page.find(&format!(">{number}</td>")), number));
    let mut found: Vec<_> = cells.into_iter().filter_map(|(at, number)| Some((at?, number))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, number)| number).collect()
}

fn listed(json: &serde_json::Value) -> Vec<String> {
    let entries = json["entries"].as_array().unwrap().iter();
    let employees = entries.filter(|one| one["what"] == "employee");
    employees.map(|one| one["subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_audit_log_is_filtered_in_the_window_and_by_the_api() {
    let rig = Rig::new().await;
    let olga = busy(&rig).await;
    for (window, api, found) in [
        ("", "", vec!["104", "103", "102", "101"]),
        ("?account=2", "?account=2", vec!["104", "103"]),
        ("?who=olga", "?actor=olga", vec!["104", "101"]),
        ("?who=olga&kind=person", "?actor=olga&kind=person", vec!["101"]),
        ("?who=API+admin", "?actor=admin&kind=token", vec!["102"]),
        ("?who=cli%3Aolga&account=2", "?actor=olga&kind=cli&account=2", vec!["104"]),
        ("?kind=token", "?kind=token", vec!["103", "102"]),
        ("?account=none", "?account=none", vec![]),
    ] {
        let page = olga.get(&format!("/operator/audit{window}")).await;
        assert_eq!((page.status.as_u16(), shown(&page.text)), (200, found.clone()), "{window}");
        let told = rig.get(&rig.operator, &format!("/api/v1/audit{api}")).await.json();
        assert_eq!(listed(&told), found, "{api}: {told}");
    }
    for (query, field) in
        [("kind=robot", "kind"), ("limit=0", "limit"), ("before=x", "before"), ("who=olga", "who")]
    {
        let refused = rig.get(&rig.operator, &format!("/api/v1/audit?{query}")).await;
        assert_eq!((refused.status.as_u16(), refused.error().1.as_str()), (400, field), "{query}");
    }
}

#[tokio::test]
async fn the_pages_of_the_audit_log_join_without_gap_or_overlap() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    for number in 0..230 {
        let wish = EmployeeWish { name: Some(format!("{number}.")) };
        rig.room.set_employee(&at_machine(), "1", "101", wish, Expect::Any).await.unwrap();
    }
    let (mut next, mut read) = (Some("/operator/audit?who=cli%3Aolga&kind=".to_owned()), Vec::new());
    while let Some(path) = next {
        let page = olga.get(&path).await.text;
        read.push(page.matches("<tr><td").count());
        let older =
            page.split_once("rel=\"next\"").map(|(before, _)| before.rsplit_once("href=\"").unwrap().1);
        next = older.map(|link| link.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"));
    }
    assert_eq!(read, [100, 100, 30]);
    let (mut before, mut seen) = (String::new(), std::collections::BTreeSet::new());
    loop {
        let page = rig.get(&rig.admin, &format!("/api/v1/accounts/1/audit?limit=100{before}")).await.json();
        for one in page["entries"].as_array().unwrap() {
            assert!(seen.insert(format!("{} {}", one["at"], one["detail"])) || one["kind"] != "cli");
        }
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert!(seen.len() >= 200, "{}", seen.len());
}

#[tokio::test]
async fn an_account_s_administrator_sees_its_log_and_nobody_else_s() {
    let rig = Rig::new().await;
    let olga = busy(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    let page = mette.get("/a/1/audit").await.text;
    assert_eq!(shown(&page), ["102", "101"]);
    let told = rig.get(&rig.admin, "/api/v1/accounts/1/audit").await.json();
    assert_eq!(listed(&told), ["102", "101"]);
    // Asking for another's is asking for what is not there, however it is asked.
    assert_eq!(mette.get("/a/2/audit").await.status, 404);
    assert_eq!(shown(&mette.get("/a/1/audit?account=2").await.text), ["102", "101"]);
    for path in ["accounts/2/audit", "audit?account=2"] {
        assert_eq!(rig.get(&rig.admin, &format!("/api/v1/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(rig.get(&rig.admin, "/api/v1/audit").await.status, 403);
    let rolf = Browser::made(&olga, "rolf", "read-only").await;
    assert_eq!(rolf.get("/a/1/audit").await.status, 403);
    assert!(!rolf.get("/a/1/settings").await.text.contains("/a/1/audit"), "no way to what they may not see");
    assert_eq!(rig.get(&rig.reader, "/api/v1/accounts/1/audit").await.status, 403);
}

#[tokio::test]
async fn from_where_it_was_done_stands_beside_it_for_whom_it_concerns() {
    let rig = Rig::new().await;
    let olga = busy(&rig).await;
    Browser::made(&olga, "mette", "account").await;
    let mut mette = Browser::at(&rig, "::ffff:198.51.100.9");
    mette.send("/login", &[("name", "mette"), ("password", PASSWORD)]).await;
    mette.post("/a/1/people/employee", &[("number", "110"), ("name", "Jens")]).await;

    let all = olga.get("/operator/audit").await.text;
    assert!(all.contains(">192.0.2.7</td>") && all.contains(">198.51.100.9</td>"), "{all}");
    let logins = rig.get(&rig.operator, "/api/v1/audit?actor=mette").await.json();
    let login = logins["entries"].as_array().unwrap().iter().find(|one| one["what"] == "login").unwrap();
    assert_eq!(login["address"], "198.51.100.9", "{logins}");

    // An account is told where its own people were, and not where the operator was.
    let own = mette.get("/a/1/audit").await.text;
    assert!(own.contains(">198.51.100.9</td>") && own.contains(">olga</a>"), "{own}");
    assert!(!own.contains("192.0.2.7"), "{own}");
    let own = rig.get(&rig.admin, "/api/v1/accounts/1/audit").await.text;
    assert!(own.contains("198.51.100.9") && !own.contains("192.0.2.7"), "{own}");
}

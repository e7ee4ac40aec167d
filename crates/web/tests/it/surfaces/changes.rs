//! Changing people and accounts: what was changed meanwhile, what is noted, who may get in.

use admin::kept::settings::Holder;
use admin::{Actor, Code, EmployeeWish, Expect, PhoneWish, Role, TokenWish};
use calls::AccountId;
use journal::AuditFilter;
use journal::settings::Scope;

use super::at_machine;
use crate::rig::Rig;
use crate::window::browser::Browser;

/// The version of a form on a page, by what stands before it.
fn version_after(page: &str, mark: &str) -> String {
    let form = page.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {page}")).1;
    form.split_once("name=\"version\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn the_second_of_two_administrators_is_told_what_changed_and_overwrites_nothing() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let employee = "/api/v1/accounts/1/employees/101";
    rig.put(&rig.admin, employee, r#"{"name": "Mette"}"#).await;
    rig.put(&rig.admin, "/api/v1/accounts/1/phones/201", r#"{"name": "Desk"}"#).await;

    // Both opened the page; the first saves.
    let page = olga.get("/a/1/people").await.text;
    let (person, phone) = (version_after(&page, "value=\"101\""), version_after(&page, "value=\"201\""));
    let tag = format!("\"{person}\"");
    let first = [("number", "101"), ("name", "Mette Holm"), ("version", &*person)];
    assert_eq!(olga.post("/a/1/people/employee", &first).await.status, 303);
    let first = [("number", "201"), ("name", "Left desk"), ("holder", "101"), ("version", &*phone)];
    assert_eq!(olga.post("/a/1/people/phone", &first).await.status, 303);

    // The second, in the window: both values, and nothing is overwritten.
    let second = [("number", "101"), ("name", "Mette Hansen"), ("version", &*person)];
    let told = olga.post("/a/1/people/employee", &second).await;
    assert_eq!(told.status, 409);
    assert!(told.text.contains("Mette Holm") && told.text.contains("Mette Hansen"), "{}", told.text);
    assert!(told.text.contains(">Mette</td>"), "and what it was: {}", told.text);
    let second = [("number", "201"), ("name", "Right desk"), ("holder", "-"), ("version", &*phone)];
    let told = olga.post("/a/1/people/phone", &second).await;
    assert_eq!(told.status, 409);
    assert!(told.text.contains("Left desk") && told.text.contains("Right desk"), "{}", told.text);
    assert!(told.text.contains(">Desk</td>"), "and what it was: {}", told.text);
    for (what, number, version, [was, now]) in [
        ("employee", "101", &person, ["Mette", "Mette Holm"]),
        ("phone", "201", &phone, ["Desk", "Left desk"]),
    ] {
        let path = format!("/a/1/people/{what}/remove");
        let gone = olga.post(&path, &[("number", number), ("version", version)]).await;
        assert_eq!(gone.status, 409, "nor is what somebody changed removed");
        for value in [was, now] {
            assert!(gone.text.contains(&format!(">{value}</td>")), "{value}: {}", gone.text);
        }
    }

    // By the API.
    let told =
        rig.ask_with("PUT", &rig.admin, employee, r#"{"name": "Mette Hansen"}"#, &[("if-match", &tag)]).await;
    assert_eq!((told.status.as_u16(), told.error().0.as_str()), (412, "changed_meanwhile"));
    let changed = &told.json()["error"]["changed"]["fields"][0];
    assert_eq!(
        *changed,
        serde_json::json!({ "field": "name", "was": "Mette", "now": "Mette Holm", "yours": "Mette Hansen" })
    );
    let told = rig.ask_with("DELETE", &rig.admin, employee, "", &[("if-match", &tag)]).await;
    assert_eq!(told.status, 412);
    let changed = &told.json()["error"]["changed"]["fields"][0];
    assert_eq!(*changed, serde_json::json!({ "field": "name", "was": "Mette", "now": "Mette Holm" }));

    // At the machine.
    let wish = EmployeeWish { name: Some("Mette Hansen".into()) };
    let expect = Expect::Version(person.parse().unwrap());
    let told = rig.room.set_employee(&at_machine(), "1", "101", wish, expect).await.unwrap_err();
    assert_eq!(told.code, Code::ChangedMeanwhile);
    assert!(
        told.message().contains("name was \"Mette\", is now \"Mette Holm\", yours was \"Mette Hansen\""),
        "{told}"
    );

    let account = rig.cache.account(&AccountId::new("1")).unwrap();
    assert_eq!(account.employees.get("101").unwrap().0.name, "Mette Holm");
    assert_eq!(account.phones.get("201").unwrap().0.holder, Holder::Employee("101".into()));
}

#[tokio::test]
async fn every_form_tells_what_changed_meanwhile() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    rig.put(&rig.admin, "/api/v1/accounts/1/employees/101", r#"{"name": "Mette"}"#).await;
    rig.put(&rig.admin, "/api/v1/accounts/1/integration", r#"{"ended_url": "https://a.example/"}"#).await;
    let made = [("name", "rolf"), ("scope", "read-only"), ("account", "1")];
    olga.post("/operator/users", &made).await;
    let seen = rig.room.revision().to_string();
    let page = olga.get("/a/1/integration").await.text;
    let integration = version_after(&page, "id=\"integration\"");
    let settings = version_after(&olga.get("/a/1/settings").await.text, "/a/1/settings\"");

    // Somebody else changes all of it.
    rig.put(&rig.admin, "/api/v1/accounts/1/employees/101", r#"{"name": "Mette Holm"}"#).await;
    rig.put(&rig.admin, "/api/v1/accounts/1/integration", r#"{"ended_url": "https://b.example/"}"#).await;
    rig.put(&rig.admin, "/api/v1/accounts/1", r#"{"name": "Nordlys"}"#).await;
    let made = [("name", "rolf"), ("scope", "account"), ("account", "1")];
    olga.post("/operator/users", &made).await;

    let conflicts = [
        (
            "/a/1/people/import",
            vec![("csv", "101;;101;Mette Hansen"), ("seen", &*seen)],
            ["Mette", "Mette Holm", "Mette Hansen"],
        ),
        (
            "/a/1/integration",
            vec![("method", "POST"), ("ended_url", "https://c.example/"), ("version", &*integration)],
            ["https://a.example/", "https://b.example/", "https://c.example/"],
        ),
        (
            "/a/1/settings",
            vec![("name", "Sydlys"), ("version", &*settings)],
            ["Account 1", "Nordlys", "Sydlys"],
        ),
        (
            "/operator/users",
            vec![("name", "rolf"), ("scope", "read-only"), ("account", "2"), ("seen", &*seen)],
            ["ReadAccount", "Account(", "ReadAccount"],
        ),
    ];
    for (path, fields, [was, now, yours]) in conflicts {
        let told = olga.post(path, &fields).await;
        assert_eq!(told.status, 409, "{path}: {}", told.text);
        for (label, value) in [("Før", was), ("Nu", now), ("Du skrev", yours)] {
            let cell = format!("data-label=\"{label}\">{value}");
            assert!(told.text.contains(&cell), "{path}: no {cell} in {}", told.text);
        }
    }
    let account = rig.cache.account(&AccountId::new("1")).unwrap();
    assert_eq!(account.employees.get("101").unwrap().0.name, "Mette Holm");
    assert_eq!(account.integration().unwrap().1.ended_url.as_deref(), Some("https://b.example/"));
    assert_eq!(account.account.name, "Nordlys");
    assert_eq!(rig.cache.user("rolf").unwrap().0.scope, Scope::Account(AccountId::new("1")));
}

#[tokio::test]
async fn what_is_not_said_stays_and_who_is_given_a_phone_comes_into_being() {
    let rig = Rig::new().await;
    let cli = at_machine();
    let named = EmployeeWish { name: Some("Mette".into()) };
    rig.room.set_employee(&cli, "1", "101", named, Expect::Any).await.unwrap();
    rig.room.set_employee(&cli, "1", "101", EmployeeWish::default(), Expect::Any).await.unwrap();
    let desk = PhoneWish { name: Some("Desk".into()), holder: None };
    rig.room.set_phone(&cli, "1", "201", desk, Expect::Any).await.unwrap();
    let given = PhoneWish { name: None, holder: Some(Holder::Employee("777".into())) };
    rig.room.set_phone(&cli, "1", "201", given, Expect::Any).await.unwrap();
    rig.room.set_phone(&cli, "1", "201", PhoneWish::default(), Expect::Any).await.unwrap();
    let account = rig.cache.account(&AccountId::new("1")).unwrap();
    assert_eq!(account.employees.get("101").unwrap().0.name, "Mette");
    let phone = &account.phones.get("201").unwrap().0;
    assert_eq!((&*phone.name, &phone.holder), ("Desk", &Holder::Employee("777".into())));
    assert!(account.employees.contains_key("777"));
}

#[tokio::test]
async fn who_did_it_stands_in_the_audit_log_whichever_way_they_came() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    rig.put(&rig.admin, "/api/v1/accounts/1/employees/101", "{}").await;
    olga.post("/a/1/people/employee", &[("number", "102"), ("name", "Jens")]).await;
    rig.room.set_employee(&at_machine(), "1", "103", EmployeeWish::default(), Expect::Any).await.unwrap();
    let filter = AuditFilter { account: Some(AccountId::new("1")), limit: 3, ..AuditFilter::default() };
    let log = rig.room.audit(&at_machine(), filter).await.unwrap().entries;
    let told: Vec<_> = log.iter().map(|one| (admin::audit::who(one), &*one.what, &*one.subject)).collect();
    let what = "audit.employee";
    assert_eq!(
        told,
        [("cli:olga".into(), what, "103"), ("olga".into(), what, "102"), ("API admin".into(), what, "101")]
    );
}

#[tokio::test]
async fn nobody_is_let_in_for_an_account_that_is_not_there() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let refused =
        rig.ask("POST", &rig.operator, "/api/v1/tokens", r#"{"name": "t", "account": "9999"}"#).await;
    assert_eq!((refused.status.as_u16(), refused.error().1.as_str()), (400, "account"));
    for path in ["/operator/users", "/operator/tokens"] {
        let fields = [("name", "nobody"), ("scope", "account"), ("account", "9999")];
        let refused = olga.post(path, &fields).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.text.contains("Kontoen 9999 findes ikke"), "{path}: {}", refused.text);
    }
    let wish = TokenWish { name: "t".into(), role: None, account: Some("9999".into()) };
    assert_eq!(
        rig.room.make_token(&at_machine(), &wish).await.map(|_| ()).unwrap_err().code,
        Code::NoSuchAccount
    );
    let role = Some(Role::Account);
    let made = rig.room.invite_user(&at_machine(), "nobody", role, Some("9999"), Expect::Any).await;
    assert_eq!(made.map(|_| ()).unwrap_err().code, Code::NoSuchAccount);
    assert!(rig.cache.user("nobody").is_none() && !rig.cache.tokens().contains_key("t"));
}

#[tokio::test]
async fn a_later_account_of_the_same_id_is_nobodys() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    assert_eq!(mette.get("/a/1/now").await.status, 200);
    assert_eq!(rig.ask("DELETE", &rig.operator, "/api/v1/accounts/1", "").await.status, 204);
    rig.put(&rig.operator, "/api/v1/accounts/1", "{}").await;
    assert_eq!(rig.get(&rig.admin, "/api/v1/accounts/1").await.status, 401, "its tokens went with it");
    assert_eq!(mette.get("/a/1/now").await.status, 303, "and its people");
    assert_eq!(rig.get(&rig.operator, "/api/v1/accounts/1").await.status, 200);
    let nobody = Actor::person("mette", Scope::Account(AccountId::new("2")));
    assert_eq!(rig.room.account(&nobody, "1").unwrap_err().code, Code::NoAccount);
}

//! Every page and form as every role.

use super::browser::Browser;
use crate::rig::Rig;

/// What a page answers: nobody, reader of 1, administrator of 1, operator. 0 is any success or a way back.
pub(crate) const PAGES: &[(&str, [u16; 4])] = &[
    ("/", [303, 0, 0, 0]),
    ("/a/1/now", [303, 0, 0, 0]),
    ("/a/1/now/stream", [303, 0, 0, 0]),
    ("/a/1/calls", [303, 0, 0, 0]),
    ("/a/1/calls/pbx1-1.1", [303, 0, 0, 0]),
    ("/a/1/report", [303, 0, 0, 0]),
    ("/a/1/report.csv", [303, 0, 0, 0]),
    ("/a/1/report.xlsx", [303, 0, 0, 0]),
    ("/a/1/integration", [303, 0, 0, 0]),
    ("/a/1/integration/receivers", [303, 0, 0, 0]),
    ("/a/1/integration/sink", [303, 0, 0, 0]),
    ("/a/1/deliveries", [303, 0, 0, 0]),
    ("/a/1/deliveries/again", [303, 403, 0, 0]),
    ("/a/1/deliveries/{own}", [303, 0, 0, 0]),
    ("/a/1/people", [303, 0, 0, 0]),
    ("/a/1/people.csv", [303, 0, 0, 0]),
    ("/a/1/audit", [303, 403, 0, 0]),
    ("/a/1/settings", [303, 0, 0, 0]),
    ("/a/1/access", [303, 403, 0, 0]),
    ("/a/2/now", [303, 404, 404, 0]),
    ("/a/2/now/stream", [303, 404, 404, 0]),
    ("/a/2/calls", [303, 404, 404, 0]),
    ("/a/2/calls/pbx1-1.1", [303, 404, 404, 404]),
    ("/a/2/report", [303, 404, 404, 0]),
    ("/a/2/integration", [303, 404, 404, 0]),
    ("/a/2/integration/receivers", [303, 404, 404, 0]),
    ("/a/2/integration/sink", [303, 404, 404, 0]),
    ("/a/2/deliveries", [303, 404, 404, 0]),
    ("/a/2/deliveries/again", [303, 404, 404, 0]),
    ("/a/2/deliveries/{own}", [303, 404, 404, 404]),
    ("/a/2/people", [303, 404, 404, 0]),
    ("/a/2/audit", [303, 404, 404, 0]),
    ("/a/2/settings", [303, 404, 404, 0]),
    ("/a/2/access", [303, 404, 404, 0]),
    ("/a/nowhere/now", [303, 404, 404, 404]),
    ("/a/1/integration/test/nowhere", [303, 403, 404, 404]),
    ("/operator/accounts", [303, 404, 404, 0]),
    ("/operator/links", [303, 404, 404, 0]),
    ("/operator/health", [303, 404, 404, 0]),
    ("/operator/users", [303, 404, 404, 0]),
    ("/operator/tokens", [303, 404, 404, 0]),
    ("/operator/privacy", [303, 404, 404, 0]),
    ("/operator/audit", [303, 404, 404, 0]),
    ("/search?account=1&q=7", [303, 0, 0, 0]),
    ("/search?account=2&q=7", [303, 404, 404, 0]),
    ("/nowhere", [404, 404, 404, 404]),
];

/// Address, fields that are right, and what is answered.
pub(crate) type Form = (&'static str, &'static [(&'static str, &'static str)], [u16; 4]);

/// The same for forms.
pub(crate) const FORMS: &[Form] = &[
    ("/a/1/integration", &[("method", "POST"), ("version", "0")], [303, 403, 0, 0]),
    ("/a/1/integration/preview", &[("method", "POST")], [303, 0, 0, 0]),
    ("/a/1/integration/test", &[("employee", "101")], [303, 403, 0, 0]),
    ("/a/1/integration/secret", &[], [303, 403, 0, 0]),
    ("/a/1/integration/pause", &[("event", "Ended")], [303, 403, 0, 0]),
    ("/a/1/integration/resume", &[("event", "Ended")], [303, 403, 0, 0]),
    ("/a/1/deliveries/again", &[], [303, 403, 0, 0]),
    ("/a/1/deliveries/{own}/again", &[], [303, 403, 0, 0]),
    ("/a/1/deliveries/{own}/cancel", &[], [303, 403, 0, 0]),
    ("/a/1/people/employee", &[("number", "NEW"), ("name", "N")], [303, 403, 0, 0]),
    ("/a/1/people/employee/remove", &[("number", "NEW")], [303, 403, 0, 0]),
    ("/a/1/people/phone", &[("number", "NEW"), ("holder", "-")], [303, 403, 0, 0]),
    ("/a/1/people/phone/remove", &[("number", "NEW")], [303, 403, 0, 0]),
    ("/a/1/people/import", &[("csv", "9;;-;")], [303, 403, 0, 0]),
    ("/a/1/settings", &[("name", "One")], [303, 403, 0, 0]),
    ("/a/1/access/users", &[("name", "an"), ("scope", "read-only")], [303, 403, 0, 0]),
    ("/a/1/access/users/link", &[("name", "an")], [303, 403, 0, 0]),
    ("/a/1/access/users/remove", &[("name", "an")], [303, 403, 0, 404]),
    ("/a/1/access/tokens", &[("name", "NEW"), ("scope", "read-only")], [303, 403, 0, 0]),
    ("/a/1/access/tokens/remove", &[("name", "NEW")], [303, 403, 0, 0]),
    ("/a/2/access/users", &[("name", "n"), ("scope", "read-only")], [303, 404, 404, 0]),
    ("/a/2/access/tokens", &[("name", "of-two"), ("scope", "read-only")], [303, 404, 404, 0]),
    ("/a/2/deliveries/{own}/again", &[], [303, 404, 404, 404]),
    ("/a/2/integration", &[("method", "POST"), ("version", "0")], [303, 404, 404, 0]),
    ("/a/2/people/employee", &[("number", "9"), ("name", "N")], [303, 404, 404, 0]),
    ("/a/2/settings", &[("name", "Two")], [303, 404, 404, 0]),
    ("/operator/accounts", &[("account", "NEW"), ("name", "N")], [303, 404, 404, 0]),
    ("/operator/accounts/remove", &[("account", "NEW"), ("again", "NEW")], [303, 404, 404, 0]),
    ("/operator/users", &[("name", "n"), ("scope", "operator")], [303, 404, 404, 0]),
    ("/operator/users/link", &[("name", "n")], [303, 404, 404, 0]),
    ("/operator/links", &[("product", "asterisk")], [303, 404, 404, 0]),
    ("/operator/users/remove", &[("name", "n")], [303, 404, 404, 0]),
    ("/operator/tokens", &[("name", "n"), ("scope", "operator")], [303, 404, 404, 0]),
    ("/operator/tokens/remove", &[("name", "n")], [303, 404, 404, 0]),
    ("/operator/privacy", &[("account", "1"), ("number", "7")], [303, 404, 404, 0]),
    ("/operator/privacy/export", &[("account", "1"), ("number", "7")], [303, 404, 404, 0]),
    ("/operator/privacy/erase", &[("account", "1"), ("number", "7"), ("sure", "1")], [303, 404, 404, 0]),
];

fn fits(expected: u16, got: u16) -> bool {
    if expected == 0 { got == 200 || got == 303 } else { got == expected }
}

#[tokio::test]
async fn every_page_and_form_answers_every_role_as_the_table_says() {
    let rig = Rig::new().await;
    rig.put(&rig.operator, "/api/v1/accounts/1/employees/101", "{}").await;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", r#"{"ended_url": "https://crm.example/"}"#)
        .await;
    let id = rig.cache.account(&calls::AccountId::new("1")).unwrap().integration().unwrap().0;
    rig.keep_call(1, &[id]).await;
    let own = rig.get(&rig.operator, "/api/v1/accounts/1/deliveries").await.json();
    let own = own["deliveries"][0]["id"].as_str().unwrap().to_owned();
    let olga = Browser::first(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    let rolf = Browser::made(&olga, "rolf", "read-only").await;
    let everybody = [Browser::new(&rig), rolf, mette, olga];
    let mut wrong = Vec::new();
    for (path, expected) in PAGES {
        for (role, browser) in everybody.iter().enumerate() {
            let got = browser.open(&path.replace("{own}", &own)).await.status().as_u16();
            let in_place = fits(expected[role], got) && !(role == 0 && got == 303 && expected[0] != 303);
            if !in_place {
                wrong.push(format!("GET {path} as role {role}: {got}"));
            }
        }
    }
    for (path, fields, expected) in FORMS {
        for (role, browser) in everybody.iter().enumerate() {
            let fresh = format!("n{role}");
            let version = rig
                .cache
                .account(&calls::AccountId::new("1"))
                .and_then(|one| one.integration().map(|(_, _, version)| version.to_string()));
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| match (*name, *value) {
                    ("version", "0") if path.starts_with("/a/1") => {
                        ("version", version.as_deref().unwrap_or("0"))
                    }
                    (name, "NEW" | "n") => (name, fresh.as_str()),
                    other => other,
                })
                .collect();
            let got = browser.post(&path.replace("{own}", &own), &fields).await.status.as_u16();
            if !fits(expected[role], got) {
                wrong.push(format!("POST {path} as role {role}: {got}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

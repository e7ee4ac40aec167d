//! The operator's page of personal data.

use super::browser::Browser;
use crate::rig::{Rig, call};

#[tokio::test]
async fn an_operator_sees_takes_along_and_erases_what_is_kept() {
    let rig = Rig::new().await;
    rig.keep_call(1, &[]).await;
    let olga = Browser::first(&rig).await;
    let number = call(1)[0].a_number.to_string();
    let whose = [("account", "1"), ("number", &*number)];
    let found = olga.post("/operator/privacy", &whose).await;
    assert!(found.text.contains("1 opkald, ét for hver telefon"), "{}", found.text);
    let json = olga.post("/operator/privacy/export", &[&whose[..], &[("as", "json")]].concat()).await;
    assert_eq!(json.headers["content-disposition"], "attachment; filename=\"person.json\"");
    assert_eq!(json.json()["legs"].as_array().unwrap().len(), 1);
    let csv = olga.post("/operator/privacy/export", &[&whose[..], &[("as", "csv")]].concat()).await;
    assert_eq!(csv.text.lines().count(), 2, "a head and a row a leg: {}", csv.text);
    assert!(csv.text.contains(&number[1..]), "{}", csv.text);

    let unsure = olga.post("/operator/privacy/erase", &whose).await;
    assert_eq!(unsure.status, 400);
    assert!(olga.post("/operator/privacy", &whose).await.text.contains("1 opkald"), "nothing was erased");
    let sure = [&whose[..], &[("sure", "1")]].concat();
    let gone = olga.post("/operator/privacy/erase", &sure).await;
    assert!(gone.text.contains("3 hændelser blev slettet"), "{}", gone.text);
    assert!(!gone.text.contains(&number), "the number is not shown any more");
    assert!(olga.post("/operator/privacy", &whose).await.text.contains("Der er ikke gemt noget"));
    let neither = olga.post("/operator/privacy", &[("account", "1")]).await;
    assert_eq!(neither.status, 400);
    assert!(neither.text.contains("Skriv hvis"), "{}", neither.text);
}

#[tokio::test]
async fn a_page_that_takes_not_all_along_says_so_and_what_does() {
    let rig = Rig::with(web::Options { most_personal: Some(2), ..web::Options::default() }).await;
    for number in 1..=3 {
        rig.keep_call(number, &[]).await;
    }
    let olga = Browser::first(&rig).await;
    let employee = call(1)[0].phone.employee_number().to_owned();
    let whose = [("account", "1"), ("employee", &*employee)];
    let found = olga.post("/operator/privacy", &whose).await.text;
    assert!(found.contains("2 opkald") && found.contains("højst 2, de ældste først"), "{found}");
    assert!(found.contains("ringbud export"), "{found}");
    let cut = olga.post("/operator/privacy/export", &[&whose[..], &[("as", "json")]].concat()).await.json();
    assert_eq!((cut["legs"].as_array().unwrap().len(), &cut["is_all"]), (2, &serde_json::Value::Bool(false)));
    let one = [("account", "1"), ("number", &*call(1)[0].a_number)];
    assert!(!olga.post("/operator/privacy", &one).await.text.contains("ringbud export"));
    let all = olga.post("/operator/privacy/export", &[&one[..], &[("as", "json")]].concat()).await.json();
    assert_eq!(all["is_all"], true);
}

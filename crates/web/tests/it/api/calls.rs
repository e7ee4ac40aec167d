use crate::rig::Rig;

#[tokio::test]
async fn a_call_tells_who_took_it_and_for_how_long() {
    let rig = Rig::new().await;
    rig.keep_call(1, &[]).await;
    let call = &rig.get(&rig.reader, "/api/v1/accounts/1/calls").await.json()["calls"][0];
    assert_eq!(call["employee"], "101");
    assert_eq!(call["employee_name"], "Mette Holm");
    assert_eq!(call["duration_secs"], 60);
    assert_eq!(call["end_reason"], "hungup_by_counterpart");
    assert_eq!(call["direction"], "Incoming");
}

#[tokio::test]
async fn the_pages_of_a_list_join_without_gap_or_overlap() {
    let rig = Rig::new().await;
    for number in 1..=5 {
        rig.keep_call(number, &[]).await;
    }
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = rig.get(&rig.reader, &format!("/api/v1/accounts/1/calls?limit=2{before}")).await.json();
        let calls = page["calls"].as_array().unwrap();
        seen.extend(calls.iter().map(|call| call["unique_call_id"].as_str().unwrap().to_owned()));
        match page.get("next") {
            Some(next) => before = format!("&before={}", next.as_str().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen, ["pbx1-5.1", "pbx1-4.1", "pbx1-3.1", "pbx1-2.1", "pbx1-1.1"]);
}

#[tokio::test]
async fn events_carry_every_parameter() {
    let rig = Rig::new().await;
    rig.keep_call(1, &[]).await;
    let events = rig.get(&rig.reader, "/api/v1/accounts/1/events?event=Ended").await.json();
    let parameters = &events["events"][0]["parameters"];
    assert_eq!(parameters["Duration"], "60");
    assert_eq!(parameters["CallDirection"], "Incoming");
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn calls_are_found_by_a_part_of_a_number() {
    let rig = Rig::new().await;
    for number in 1..=3 {
        rig.keep_call(number, &[]).await;
    }
    let found = rig.get(&rig.reader, "/api/v1/accounts/1/calls?number=201002").await.json();
    assert_eq!(found["calls"].as_array().unwrap().len(), 1);
}

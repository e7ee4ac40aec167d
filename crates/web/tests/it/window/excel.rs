//! The exports, as programs read them that did not write them.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};

use super::browser::Browser;
use crate::rig::Rig;

const NAMES: [(&str, &str); 4] =
    [("101", "Søren Ågård; \"Støj\""), ("102", "=cmd|' /C calc'!A0"), ("103", "+45 x"), ("104", "@SUM(1)")];
const DAY: &str = "from=2026-11-22&until=2026-11-22";

/// Everybody has calls; of 101 so many that the talk is longer than a day.
async fn rig() -> Rig {
    let rig = Rig::new().await;
    for (number, name) in NAMES {
        let body = serde_json::json!({ "name": name }).to_string();
        rig.put(&rig.operator, &format!("/api/v1/accounts/1/employees/{number}"), &body).await;
    }
    for call in 0..30 {
        let mut events = crate::rig::call(call);
        for event in &mut events {
            event.begun_at = calls::PbxTime::from_secs(1_795_337_580);
            event.at = event.begun_at + std::time::Duration::from_secs(u64::from(event.sequence) * 3_605);
            let mut phone = (*event.phone).clone();
            let number = NAMES[if call < 27 { 0 } else { usize::try_from(call - 26).unwrap() }].0;
            phone.employee.as_mut().unwrap().number = number.into();
            event.phone = phone.into();
            if let calls::What::Ended(end) = &mut event.what {
                end.answered_at = Some(event.begun_at + std::time::Duration::from_millis(12_345));
            }
        }
        rig.keep(events).await;
    }
    rig
}

#[tokio::test]
async fn a_sheet_has_names_as_text_counts_as_numbers_and_durations_as_durations() {
    let rig = rig().await;
    let olga = Browser::first(&rig).await;
    let bytes = olga.bytes(&format!("/a/1/report.xlsx?{DAY}")).await;
    let mut cache: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    assert_eq!(cache.sheet_names(), ["Rapport", "Dage", "Køer"]);
    let sheet = cache.worksheet_range("Rapport").unwrap();
    let rows: Vec<&[Data]> = sheet.rows().collect();
    assert_eq!(rows.len(), 1 + NAMES.len() + 1, "a head, everybody, and all of them");
    for ((number, name), row) in NAMES.iter().zip(&rows[1..]) {
        assert_eq!(row[0], Data::String((*number).to_owned()), "a local number keeps its noughts");
        assert_eq!(row[1], Data::String((*name).to_owned()));
    }
    assert_eq!(rows[1][2], Data::Float(27.0));
    let Data::DateTime(talk) = &rows[1][5] else { panic!("{:?} is no duration", rows[1][5]) };
    assert!(talk.is_duration());
    let secs = 27 * (3 * 3_605 - 13);
    assert_eq!((talk.as_f64() * 86_400.0).round() as i64, secs, "longer than a day");
    assert_eq!(rows[1][7], Data::Float(12.3));
    assert_eq!(rows[5][2], Data::Float(30.0));
    let Data::DateTime(median) = &rows[1][11] else { panic!("{:?} is no duration", rows[1][11]) };
    assert_eq!((median.as_f64() * 86_400.0).round() as i64, 12);
    let days = cache.worksheet_range("Dage").unwrap();
    let day: Vec<&Data> = days.rows().nth(1).unwrap().iter().take(3).collect();
    assert_eq!(day, [&Data::String("2026-11-22".to_owned()), &Data::Float(30.0), &Data::Float(0.0)]);
    assert_eq!(cache.worksheet_range("Køer").unwrap().height(), 1, "nobody came through one");
    assert!(cache.worksheet_formula("Rapport").unwrap().is_empty(), "nothing is a formula");
}

#[tokio::test]
async fn a_csv_is_as_a_danish_excel_opens_it() {
    let rig = rig().await;
    let olga = Browser::first(&rig).await;
    let reply = olga.get(&format!("/a/1/report.csv?{DAY}")).await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    let text = reply.text.strip_prefix('\u{feff}').expect("the mark that says UTF-8");
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    let secs = 3 * 3_605 - 13;
    assert_eq!(
        lines,
        [
            "Lokalnummer;Navn;Besvaret;Ikke besvaret;Udgående;Taletid (sek.);Taletid pr. opkald (sek.);\
             Gns. svartid (sek.);Viderestillet;Besvaret inden 20 sek. (antal);Besvaret inden 20 sek. (%);\
             Ventetid, median (sek.);90 % ventede højst (sek.);Længste ventetid (sek.)",
            &format!(
                "101;\"Søren Ågård; \"\"Støj\"\"\";27;0;0;{};{secs};12,3;0;27;100,0;12;12;12",
                27 * secs
            ),
            &format!("102;'=cmd|' /C calc'!A0;1;0;0;{secs};{secs};12,3;0;1;100,0;12;12;12"),
            &format!("103;'+45 x;1;0;0;{secs};{secs};12,3;0;1;100,0;12;12;12"),
            &format!("104;'@SUM(1);1;0;0;{secs};{secs};12,3;0;1;100,0;12;12;12"),
        ]
    );
    let english = Browser { language: "en", ..olga }.get(&format!("/a/1/report.csv?{DAY}")).await;
    assert!(english.text.contains(";12.3;"), "{}", english.text);
}

impl Browser<'_> {
    /// A download as it came.
    async fn bytes(&self, path: &str) -> Vec<u8> {
        use http_body_util::BodyExt as _;
        let reply = self.open(path).await;
        assert_eq!(reply.status(), 200);
        reply.into_body().collect().await.unwrap().to_bytes().to_vec()
    }
}

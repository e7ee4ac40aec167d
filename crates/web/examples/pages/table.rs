//! How long each page takes, without the network, and how large it is.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fill::{KINDS, LARGE, employees};
use crate::{Result, now};

const ROUNDS: usize = 100;
/// The first are not counted: whoever opens a page the second time does not wait for the disk.
const WARMING: usize = 3;

fn paths(calls: i64) -> Vec<String> {
    let a = format!("/a/{LARGE}");
    // The places of events: nearly three a call.
    let middle = calls * 5 / 4;
    let gone = 99 + employees(LARGE);
    let day = |back: i64| {
        let today = jiff::Timestamp::now().as_second() - back * 86_400;
        jiff::Timestamp::from_second(today).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
    };
    let mut paths = vec![
        format!("{a}/now"),
        format!("{a}/calls"),
        format!("{a}/calls?before={middle}"),
        format!("{a}/calls?employee=105"),
        format!("{a}/calls?employee={gone}"),
        format!("{a}/calls?number=1234"),
        format!("{a}/calls?number=99999999"),
        format!("{a}/calls?from={}&until={}", day(40), day(40)),
    ];
    for outcome in ["answered", "missed", "busy", "elsewhere", "outgoing_unanswered", "running"] {
        paths.push(format!("{a}/calls?outcome={outcome}"));
    }
    paths.push(format!("{a}/calls?outcome=missed&employee=105&number=12"));
    paths.push(format!("{a}/calls/pbx1-{}.1", calls / 2 * 2 - 2));
    paths.push(format!("{a}/deliveries"));
    paths.push(format!("{a}/deliveries?before={middle}"));
    for state in ["failed", "retrying", "waiting", "paused", "expired", "delivered", "cancelled"] {
        paths.push(format!("{a}/deliveries?state={state}"));
    }
    for kind in KINDS {
        paths.push(format!("{a}/deliveries?event={}", kind.name()));
    }
    for more in [
        "deliveries?event=Outgoing".to_owned(),
        "deliveries?employee=105".to_owned(),
        format!("deliveries?employee={gone}"),
        format!("deliveries?employee={gone}&state=delivered"),
        format!("deliveries?from={}&until={}", day(40), day(40)),
        "report".to_owned(),
        format!("report?from={}&until={}", day(29), day(0)),
        format!("report?from={}&until={}", day(365), day(0)),
        format!("report.xlsx?from={}&until={}", day(29), day(0)),
        "integration".to_owned(),
        "people".to_owned(),
        "settings".to_owned(),
    ] {
        paths.push(format!("{a}/{more}"));
    }
    for search in ["105", "pbx1-10.1", "Ørsted", "99999999"] {
        let text: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
        paths.push(format!("/search?account={LARGE}&q={text}"));
    }
    paths.extend(["/operator/accounts", "/operator/links", "/operator/health"].map(str::to_owned));
    paths
}

pub(crate) async fn measure(app: &axum::Router, cookie: &str, calls: i64) -> Result<Value> {
    let mut pages = Vec::new();
    let mut assets = BTreeMap::new();
    println!("  median     p99   bytes  page ({ROUNDS} rounds, ms)");
    for path in paths(calls) {
        let (mut took, mut bytes) = (Vec::new(), 0);
        for round in 0..ROUNDS + WARMING {
            let request = Request::get(&path).header("cookie", cookie).body(Body::empty())?;
            let begun = now();
            let response = app.clone().oneshot(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            if round >= WARMING {
                took.push(begun.elapsed().as_secs_f64() * 1_000.0);
            }
            if !status.is_success() && !status.is_redirection() {
                return Err(format!("{path}: {status}").into());
            }
            if round == 0 {
                find_assets(&String::from_utf8_lossy(&body), &mut assets);
            }
            bytes = body.len();
        }
        took.sort_by(f64::total_cmp);
        let (median, p99) = (took[ROUNDS / 2], took[ROUNDS * 99 / 100 - 1]);
        println!("{median:8.2}{p99:8.2}{bytes:8}  {path}");
        pages.push(json!({ "page": path, "median_ms": median, "p99_ms": p99, "bytes": bytes }));
    }
    for (path, bytes) in &mut assets {
        let request = Request::get(path).header("accept-encoding", "gzip").body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        *bytes = response.into_body().collect().await?.to_bytes().len();
    }
    let of_assets: usize = assets.values().sum();
    println!("styles and scripts, once for all pages: {of_assets} bytes by gzip; pages are not compressed");
    Ok(json!({ "calls": calls, "pages": pages, "asset_bytes": of_assets }))
}

fn find_assets(text: &str, assets: &mut BTreeMap<String, usize>) {
    for (at, _) in text.match_indices("/assets/") {
        let name: String = text[at..].chars().take_while(|c| !matches!(c, '"' | '\'' | ')')).collect();
        assets.entry(name).or_insert(0);
    }
}

//! Two gateways share a store, each with a PBX of its own: what one has the other has when that one is gone, or stops.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use demo::pbx::{Pbx, PbxOptions};
use demo::receiver::Received;
use http::StatusCode;
use journal::conformance::engine::{Engine, is_here};

use crate::bed::{Bed, Gateway, Signal, kind, patiently, play_on};
use crate::on_postgresql::{DATABASE, bed, configuration};
use crate::standing_by::{WHOLE, keeps, told};

const SHARES: &str = "allow_unreplicated = true\nshare_pbxs = true\nreaders = 1";

/// By the order of their parts the first PBX is the gateway `data`'s, and the second the gateway `second`'s.
pub(crate) struct Ground {
    pub(crate) engine: Engine,
    pub(crate) bed: Bed,
    pub(crate) other_pbx: Pbx,
    how: &'static str,
}

impl Ground {
    pub(crate) async fn lay() -> Option<Self> {
        Self::shared(SHARES).await
    }

    pub(crate) async fn shared(how: &'static str) -> Option<Self> {
        if !is_here() {
            return None;
        }
        let engine = Engine::start(0);
        let bed = bed(&engine).await;
        let other_pbx = Pbx::start(PbxOptions::default()).await.unwrap();
        Some(Self { engine, bed, other_pbx, how })
    }

    /// The configuration of one of the gateways: both know both PBXs.
    pub(crate) fn config(&self, name: &str) -> PathBuf {
        let one = configuration(&self.bed, &self.engine, name, self.how);
        let (_, pbx) = one.split_once("[[pbx]]").unwrap();
        let (pbx, _) = pbx.split_once("[journal]").unwrap();
        let pbx = pbx.replace("\"pbx1\"", "\"pbx2\"");
        let (here, there) = (self.bed.pbx.address().to_string(), self.other_pbx.address().to_string());
        let file = self.bed.folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, format!("{one}[[pbx]]{}", pbx.replace(&here, &there))).unwrap();
        file
    }

    /// Both, each with its PBX.
    pub(crate) async fn both(&self) -> (Gateway, Gateway) {
        let mut first = Gateway::start(&self.config("data")).await;
        has(&mut first, "pbx1").await;
        has(&mut first, "pbx2").await;
        let mut second = Gateway::start(&self.config("second")).await;
        has(&mut second, "pbx2").await;
        first.says("the PBX is handed over").await;
        (first, second)
    }

    /// A call on each, which is told whole.
    pub(crate) async fn calls(&mut self, requests: &mut Vec<Received>) {
        let shape = ["inbound-answered"];
        tokio::join!(play_on(&self.bed.pbx, &shape, 50.0), play_on(&self.other_pbx, &shape, 50.0));
        requests.extend(self.bed.events(6).await);
    }
}

/// Waits until a gateway follows a PBX that it has taken.
pub(crate) async fn has(gateway: &mut Gateway, pbx: &str) {
    for words in ["this gateway has the PBX now", "the PBX is followed"] {
        let is = |line: &serde_json::Value| line["message"] == words && line["pbx"] == pbx;
        while !gateway.said.iter().any(is) {
            gateway.hears().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_has_a_pbx_of_its_own_and_one_has_both_when_the_other_is_killed() {
    let Some(mut ground) = Ground::lay().await else { return };
    let (mut first, mut second) = ground.both().await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;

    // What waits on the second's PBX when it dies is told by the first, in order.
    ground.bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    play_on(&ground.other_pbx, &["inbound-answered"], 50.0).await;
    let refused = ground.bed.request().await;
    assert_eq!(kind(&refused), WHOLE[0]);
    keeps(&mut second, 6).await;
    let killed = Instant::now();
    second.kill().await;
    ground.bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    first.forget();
    has(&mut first, "pbx2").await;
    println!("taken over {:?} after the kill", killed.elapsed());
    let lost = first.says("this gateway has the PBX now").await;
    assert_eq!(lost["from"], "second");
    while told(&requests).0.values().filter(|kinds| **kinds == WHOLE).count() < 3 {
        requests.push(ground.bed.request().await);
    }
    println!("told {:?} after the kill", killed.elapsed());
    ground.calls(&mut requests).await;
    let (legs, again) = told(&requests);
    println!("{again} repeated");
    assert!(legs.len() == 5 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");
    let (_, figures) = first.api("GET", "/metrics", "", "").await;
    assert!(figures.contains("ringbud_gateway_takeovers_total 1\n"), "{figures}");

    // Back, it has its own again; the other lives, so it waits to be given it.
    let mut second = Gateway::start(&ground.config("second")).await;
    has(&mut second, "pbx2").await;
    ground.calls(&mut requests).await;
    assert_eq!(told(&requests).0.len(), 7);
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stops_hands_its_pbx_over_and_nothing_is_told_twice() {
    let Some(mut ground) = Ground::lay().await else { return };
    let (mut first, mut second) = ground.both().await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    let began = Instant::now();
    first.signal(Signal::TERM);
    has(&mut second, "pbx1").await;
    println!("followed by the other {:?} after it was told to stop", began.elapsed());
    assert_eq!(first.ends().await, Some(0), "{:?}", first.said);
    ground.calls(&mut requests).await;
    let (_, figures) = second.api("GET", "/metrics", "", "").await;
    assert!(figures.contains("ringbud_gateway_takeovers_total 0\n"), "it was handed over: {figures}");
    second.stop().await;
    let (legs, again) = told(&requests);
    assert!(legs.len() == 4 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");
    assert!(again == 0 && ground.bed.receiver.try_next().is_none(), "something was told twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stood_still_drops_its_pbx_when_it_wakes() {
    let Some(mut ground) = Ground::lay().await else { return };
    let (mut first, mut second) = ground.both().await;
    let mut requests = Vec::new();
    second.signal(Signal::STOP);
    let stood = Instant::now();
    first.forget();
    has(&mut first, "pbx2").await;
    println!("taken over {:?} after it stood still", stood.elapsed());
    second.forget();
    second.signal(Signal::CONT);
    second.says("another gateway has taken the PBX").await;
    // It lives, and is handed its own again.
    has(&mut second, "pbx2").await;
    ground.calls(&mut requests).await;
    let (legs, again) = told(&requests);
    assert!(legs.len() == 2 && again == 0, "{legs:?}");
    second.stop().await;
    first.stop().await;
}

/// Waits until something is so.
pub(crate) async fn holds(what: &str, is: impl AsyncFn() -> bool) {
    let asked = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    patiently(what, asked).await;
}

#[tokio::test]
async fn what_cannot_be_shared_is_refused_in_words() {
    let bed = Bed::new().await;
    let journal = "[journal]\nurl = \"postgres://ringbud@127.0.0.1:1/ringbud\"\nshare_pbxs = true\n";
    let key = "secret_key_file = \"key\"\n";
    std::fs::write(bed.folder.path().join("key"), "a key of its own").unwrap();
    let both = "expected share_pbxs or stand_by, not both";
    let cases = [
        (format!("{key}{}{journal}stand_by = true\n", bed.sound()), both),
        (format!("{}{journal}", bed.sound()), "expected secret_key_file beside a store on PostgreSQL"),
        (format!("{key}{}{}", bed.sound(), journal.replace("true", "\"yes\"")), "share_pbxs: expected"),
    ];
    for (config, words) in cases {
        bed.write(&config);
        let done = bed.run(&["serve"]).await;
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.code() == Some(3) && said.contains(words), "{said}");
    }
}

/// As `ringbud gateways` tells it: gateway, what it does, its PBX, and whom that was taken from.
async fn rows(bed: &Bed) -> Vec<[String; 4]> {
    let said = bed.ask(&["gateways", "--json"]).await;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.iter().map(|row| ["name", "state", "pbx", "from"].map(|key| text(row, key))).collect()
}

/// Waits until these are listed: one that stood still for a moment does not beat in it.
async fn lists(bed: &Bed, expected: &[[&str; 4]]) {
    patiently("what is listed", async { while rows(bed).await != expected {} }).await;
}

/// Waits until nobody hands anything over any more: who has joined is handed a part every two seconds.
async fn is_settled(bed: &Bed) {
    let mut before = rows(bed).await;
    loop {
        let now = rows(bed).await;
        if now == before && now.iter().all(|row| row[1] == "beats") {
            return;
        }
        before = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_which_pbx_is_told_everywhere_and_follows_the_configuration() {
    let Some(mut ground) = Ground::lay().await else { return };
    let (mut first, mut second) = ground.both().await;
    let token = ground.bed.ask(&["token", "create", "--name", "tests"]).await;
    let token = token.trim();
    let link = async |gateway: &Gateway, pbx: &str| {
        let (_, text) = gateway.api("GET", "/api/v1/links", token, "").await;
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        let all = page["links"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["pbx"] == pbx).unwrap_or_default()
    };
    let is = async |gateway: &Gateway, pbx: &str, state: &str, message: &str| {
        let link = link(gateway, pbx).await;
        link["state"] == state && link["why"]["message"].as_str().unwrap_or_default() == message
    };
    holds("one's own", async || is(&first, "pbx1", "up", "").await).await;
    let at_second = "the gateway second has it";
    holds("another's", async || is(&first, "pbx2", "elsewhere", at_second).await).await;
    assert!(link(&first, "pbx2").await["since"].is_string());
    holds("and the other way", async || is(&second, "pbx1", "elsewhere", "the gateway data has it").await)
        .await;
    assert_eq!(first.api("GET", "/readyz", "", "").await.0, 200);
    let figure = async |gateway: &Gateway, name: &str| {
        gateway.api("GET", "/metrics", "", "").await.1.lines().any(|line| line == name)
    };
    for (pbx, owner) in [("pbx1", 1), ("pbx2", 0)] {
        let name = format!("ringbud_part_owner{{pbx=\"{pbx}\"}} {owner}");
        holds(&name, async || figure(&first, &name).await).await;
    }
    let of_no_pbx = ["data", "beats", "(earlier calls)", ""];
    let own = [["data", "beats", "pbx1", ""], ["second", "beats", "pbx2", ""]];
    lists(&ground.bed, &[own[0], own[1], of_no_pbx]).await;
    let earlier = async |gateway: &Gateway| {
        let (_, text) = gateway.api("GET", "/api/v1/links", token, "").await;
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        page["earlier_calls"]["gateway"] == "data" && page["links"][0]["beside"] == serde_json::json!([])
    };
    for gateway in [&first, &second] {
        holds("who has the earlier calls", async || earlier(gateway).await).await;
    }

    // Out of the other's file, it goes to who has it in his; back in it, it comes back.
    let file = ground.bed.folder.path().join("second.toml");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole.replace("\"pbx2\"", "\"pbx3\"")).unwrap();
    for gateway in [&mut first, &mut second] {
        gateway.forget();
    }
    second.signal(Signal::HUP);
    has(&mut first, "pbx2").await;
    // One that nobody had: the same machine, by another name.
    has(&mut second, "pbx3").await;
    holds("what is in no file of its own", async || is(&first, "pbx3", "elsewhere", at_second).await).await;
    std::fs::write(&file, &whole).unwrap();
    second.forget();
    second.signal(Signal::HUP);
    has(&mut second, "pbx2").await;
    holds("nobody's", async || {
        is(&first, "pbx3", "down", "no gateway has it: is one running that has it in its configuration?")
            .await
    })
    .await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    let (legs, again) = told(&requests);
    assert!(legs.len() == 2 && again == 0 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");

    // It dies: who takes it says from whom.
    first.forget();
    second.kill().await;
    has(&mut first, "pbx2").await;
    patiently("who has it from whom", async {
        while rows(&ground.bed).await[1] != ["data", "beats", "pbx2", "second"] {}
    })
    .await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_that_are_restarted_one_after_the_other_take_nothing_from_each_other() {
    let Some(mut ground) = Ground::lay().await else { return };
    let (first, second) = ground.both().await;
    let third = Gateway::start(&ground.config("third")).await;
    is_settled(&ground.bed).await;
    let token = ground.bed.ask(&["token", "create", "--name", "tests"]).await;
    let token = token.trim();
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    let mut gateways = vec![("data", first), ("second", second), ("third", third)];
    for _ in 0..3 {
        let (name, mut stopped) = gateways.remove(0);
        stopped.signal(Signal::TERM);
        assert_eq!(stopped.ends().await, Some(0), "{:?}", stopped.said);
        let both_are_followed = async || {
            let mut followed = BTreeSet::new();
            for (_, gateway) in &gateways {
                let (_, links) = gateway.api("GET", "/api/v1/links", token, "").await;
                let links: serde_json::Value = serde_json::from_str(&links).unwrap();
                let up = links["links"].as_array().into_iter().flatten().filter(|link| link["state"] == "up");
                followed.extend(up.map(|link| link["pbx"].to_string()));
            }
            followed.len() == 2
        };
        holds("both are followed by those who are left", both_are_followed).await;
        ground.calls(&mut requests).await;
        gateways.push((name, Gateway::start(&ground.config(name)).await));
        is_settled(&ground.bed).await;
    }
    for (_, gateway) in &gateways {
        let (_, figures) = gateway.api("GET", "/metrics", "", "").await;
        assert!(figures.contains("ringbud_gateway_takeovers_total 0\n"), "it was taken: {figures}");
    }
    ground.calls(&mut requests).await;
    for (_, gateway) in gateways {
        gateway.stop().await;
    }
    let (legs, again) = told(&requests);
    assert!(legs.len() == 10 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");
    assert!(again == 0 && ground.bed.receiver.try_next().is_none(), "something was told twice");
}

/// The files to play with say what they mean.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_start_from_the_file_that_is_shipped_for_them() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(1);
    let bed = bed(&engine).await;
    let other_pbx = Pbx::start(PbxOptions::default()).await.unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/container");
    let file = |name: &str| std::fs::read_to_string(shipped.join(name)).unwrap();
    let (text, compose) = (file("two.toml"), file("two.yaml"));
    let config = |name: &str| {
        let path = bed.folder.path().join(format!("{name}.toml"));
        let changed = [
            ("/var/lib/ringbud", name),
            ("0.0.0.0:8080", "127.0.0.1:0"),
            ("asterisk1:5038", &bed.pbx.address().to_string()),
            ("asterisk2:5038", &other_pbx.address().to_string()),
            ("only-to-play-with", "ringbud"),
        ];
        let own = changed.iter().fold(text.clone(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        std::fs::write(&path, own + "[log]\nformat = \"json\"\n").unwrap();
        path
    };
    for name in ["RINGBUD_KEY", "RINGBUD_DB"] {
        assert!(compose.contains(&format!("{name}:")) && text.contains(&format!("\"{name}\"")), "{name}");
    }
    let url = engine.url(DATABASE);
    let environment = [("RINGBUD_KEY", "a key of its own"), ("RINGBUD_DB", url.as_str())];
    let first = Gateway::start_with(&config("gw1"), &environment).await;
    let mut second = Gateway::start_with(&config("gw2"), &environment).await;
    // Which has which goes by their names, which are the host's here.
    second.says("the PBX is followed").await;
    first.stop().await;
    for pbx in ["play1", "play2"] {
        has(&mut second, pbx).await;
    }
    second.stop().await;
}

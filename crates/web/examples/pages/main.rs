//! How long the window's pages take on a full store, without the network, and what two hundred viewers of the
//! live board cost: `cargo run --release -p web --example pages [CALLS]`. The figures go to
//! `target/bench/window.json`.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

mod fill;
mod gateway;
mod table;
mod viewers;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use admin::{Actor, Admin, Expect, Role};
use axum::body::Body;
use axum::http::{Request, header};
use delivery::guard::Guard;
use journal::seal::Sealer;
use journal::{Access, Journal, SettingsCache, Sqlite};
use serde_json::json;
use tower::ServiceExt as _;
use web::{Options, Web};

use gateway::Busy;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[expect(clippy::disallowed_methods, reason = "it measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The cookie of the first operator.
async fn login(app: &axum::Router, admin: &Admin) -> Result<String> {
    let link = web::first_run_path(admin).await?.unwrap_or_default();
    let key = link.split_once("key=").map_or("", |(_, key)| key);
    enter(app, "/first", &format!("key={key}&name=olga")).await
}

/// The cookies of so many operators, each in a browser of their own.
async fn more_logins(app: &axum::Router, admin: &Admin, many: usize) -> Result<Vec<String>> {
    let mut cookies = Vec::new();
    for number in 0..many {
        let name = format!("viewer{number}");
        let invited =
            admin.invite_user(&Actor::machine("bench"), &name, Some(Role::Operator), None, Expect::Any).await;
        let link = invited.map_err(|refusal| format!("{refusal:?}"))?.ok_or("no link")?;
        let path = web::welcome_path(&link);
        let key = path.split_once("key=").map_or("", |(_, key)| key);
        cookies.push(enter(app, "/welcome", &format!("key={key}")).await?);
    }
    Ok(cookies)
}

/// Chooses a password; what is answered is the cookie of who is logged in.
async fn enter(app: &axum::Router, path: &str, form: &str) -> Result<String> {
    let form = format!("{form}&password=a+short+sentence&again=a+short+sentence");
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    let response = app.clone().oneshot(request.body(Body::from(form))?).await?;
    let cookie = response.headers().get(header::SET_COOKIE).ok_or("nobody was let in")?;
    Ok(cookie.to_str()?.split(';').next().unwrap_or_default().to_owned())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [watch, address, cookies] = arguments.as_slice()
        && watch == "watch"
    {
        return viewers::watch(address, cookies).await;
    }
    let calls = arguments.first().map_or(Ok(1_000_000), |text| text.parse())?;
    // On the disk one is on, not in a folder that may be memory.
    let out = Path::new("target/bench");
    let folder = out.join(format!("window-{}", std::process::id()));
    let result = measure(&folder, calls).await;
    std::fs::remove_dir_all(&folder)?;
    std::fs::write(out.join("window.json"), format!("{:#}\n", result?))?;
    Ok(())
}

async fn measure(folder: &Path, calls: i64) -> Result<serde_json::Value> {
    std::fs::create_dir_all(folder)?;
    let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(folder, Access::Gateway, Sealer::new([7; 32]))?);
    let cache = Arc::new(SettingsCache::load(journal.clone()).await?);
    fill::fill(&journal, &cache, calls).await?;
    let size = journal.size().await?;
    println!(
        "{calls} calls, {} events, {} MB; half of them are one account's",
        size.events,
        size.bytes / 1_000_000
    );
    let gateway = Arc::new(Busy::new(usize::try_from(fill::ACCOUNTS)?));
    let options = Options::default();
    let admin = Admin::new(journal, cache, gateway.clone(), Guard::default());
    let (admin, provider) = (Arc::new(admin), None);
    let web = Web { admin: admin.clone(), provider, options };
    let app = web::router(web);
    let cookie = login(&app, &admin).await?;
    let pages = table::measure(&app, &cookie, calls).await?;
    let cookies = more_logins(&app, &admin, viewers::BROWSERS).await?;
    let board = viewers::measure(app, &cookies, &gateway).await?;
    Ok(json!({ "pages": pages, "board": board }))
}

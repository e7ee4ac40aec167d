//! `/a/{account}/settings`: the account's name, who may log in for it, what was changed, one's password.

use std::sync::Arc;

use admin::kept::settings::{AlertChoice, KeepChoice, Scope, User};
use admin::kept::{AccountSettings, AuditFilter};
use admin::{AccountWish, Code, Expect, Family, Refusal};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::fail::back_to;
use super::frame::page;
use super::refusal::{self, Differing};
use super::{Fail, Frame, Posted, Visitor, Window, audit, oidc, password};
use crate::clock;
use crate::peer::Peer;

/// Entries of the audit log that are shown.
const ENTRIES: usize = 10;

/// How much is kept, as text.
struct KeepForm {
    days: String,
    megabytes: String,
}

impl KeepForm {
    fn of(keep: KeepChoice) -> Self {
        let text = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
        Self { days: text(keep.days), megabytes: text(keep.megabytes) }
    }

    fn read(&self) -> Result<[Option<u32>; 2], Refusal> {
        let count = |field, text: &str| match text {
            "" => Ok(None),
            text => {
                text.parse().map(Some).map_err(|_| Refusal::of(Code::WholeNumber, field).with("found", text))
            }
        };
        Ok([count("keep.days", &self.days)?, count("keep.megabytes", &self.megabytes)?])
    }
}

/// Where the account is told, as text.
struct AlertForm {
    url: String,
    mail: String,
    language: String,
}

impl AlertForm {
    fn of(alert: &AlertChoice) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self { url: text(&alert.url), mail: text(&alert.mail), language: alert.language.clone() }
    }
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    f: Frame,
    version: u64,
    /// The account's name and what is kept, as they are or were typed.
    name: String,
    keep: KeepForm,
    /// What the operator keeps, and with it what an empty field means.
    limit: String,
    alert: AlertForm,
    users: Vec<(String, &'static str)>,
    entries: Vec<audit::Row>,
    /// Where the visitor's password is, if that is not here.
    password_at: Option<String>,
    error: String,
    differing: Vec<Differing>,
}

async fn build(window: &Window, visitor: &Visitor, account: &AccountSettings) -> Result<SettingsPage, Fail> {
    let f = Frame::account(window, visitor, account, "settings");
    let users = window.web.admin.users_of(&visitor.actor(), account.id.as_str()).unwrap_or_default();
    let shown = |name: &str, user: &User| oidc::shown(name, user).to_owned();
    let users = users.iter().filter_map(|(name, user)| match &user.scope {
        Scope::Account(own) if *own == account.id => Some((shown(name, user), "scope.account")),
        Scope::ReadAccount(own) if *own == account.id => Some((shown(name, user), "scope.read-only")),
        Scope::Everything | Scope::Account(_) | Scope::ReadAccount(_) => None,
    });
    let filter = AuditFilter { account: Some(account.id.clone()), limit: ENTRIES, ..AuditFilter::default() };
    let entries = match window.web.admin.audit(&visitor.actor(), filter).await {
        Ok(page) => page.entries.iter().map(|entry| audit::Row::of(&f, entry)).collect(),
        // Who may only look is not told who did what.
        Err(refusal) if refusal.code == Code::ReadOnly => Vec::new(),
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(SettingsPage {
        version: account.version,
        name: account.account.name.clone(),
        keep: KeepForm::of(account.account.keep),
        limit: limit(window, &f),
        alert: AlertForm::of(&account.account.alert),
        users: users.collect(),
        entries,
        error: String::new(),
        differing: Vec::new(),
        password_at: visitor.vouched.then(|| oidc::label(window, &visitor.key)),
        f,
    })
}

/// What the operator keeps, in words.
fn limit(window: &Window, f: &Frame) -> String {
    let number = |number: u32| f.locale.number(number.into());
    let days = window.web.options.keep_days.map(|days| f.w.with("settings.limit_days", "days", number(days)));
    let size = window.web.options.keep_megabytes;
    let size = size.map(|size| f.w.with("settings.limit_megabytes", "megabytes", number(size)));
    let both = match (days, size) {
        (Some(days), Some(size)) => format!("{days}, {size}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return f.w.get("settings.keep_all").to_owned(),
    };
    f.w.with("settings.keep_limit", "limit", both)
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    page(&build(&window, &visitor, &account).await?)
}

pub(super) async fn save(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let mut form = build(&window, &visitor, &account).await?;
    form.name = fields.get("name").to_owned();
    if fields.has("keep_days") {
        let [days, megabytes] = ["keep_days", "keep_megabytes"].map(|name| fields.get(name).to_owned());
        form.keep = KeepForm { days, megabytes };
    }
    if fields.has("alert_url") {
        let [url, mail, language] =
            ["alert_url", "alert_mail", "alert_language"].map(|name| fields.get(name).to_owned());
        form.alert = AlertForm { url, mail, language };
    }
    let wish = form.keep.read().map(|[days, megabytes]| AccountWish {
        name: Some(form.name.clone()),
        keep_days: Some(days),
        keep_megabytes: Some(megabytes),
        alert_url: Some(form.alert.url.clone()),
        alert_mail: Some(form.alert.mail.clone()),
        alert_language: Some(form.alert.language.clone()),
    });
    let came_to = match wish {
        Ok(wish) => {
            let expect = Expect::version(fields.get("version").parse().ok());
            window.web.admin.set_account(&visitor.actor(), account.id.as_str(), wish, expect).await
        }
        Err(refusal) => Err(refusal),
    };
    let refusal = match came_to {
        Ok(_) => return Ok(back_to(&form.f.to("settings"), "saved")),
        Err(refusal) => refusal,
    };
    let status = match refusal.family() {
        Family::Invalid => StatusCode::BAD_REQUEST,
        Family::ChangedMeanwhile => StatusCode::CONFLICT,
        _ => return Err(refusal.into()),
    };
    form.error = refusal::told(form.f.w, &refusal);
    form.differing = refusal::differing(form.f.w, &refusal);
    // What is there was shown now: saved again, what was typed takes its place.
    form.version = refusal.changed.map_or(form.version, |changed| changed.version);
    Ok((status, page(&form)?).into_response())
}

/// One's own password. Every other session of the person ends with it.
pub(super) async fn password(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    peer: Peer,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let mut form = build(&window, &visitor, &account).await?;
    let Some(user) = window.web.admin.person(&visitor.key) else {
        return Err(Fail::Enter { taste: visitor.taste });
    };
    if let Some(place) = &form.password_at {
        form.error = form.f.w.with("settings.password_at", "label", place);
        return Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response());
    }
    // Whoever sits at somebody's open session has no more tries at the password than a stranger.
    let now = clock::passed();
    let Some(wait) = window.throttle.lets(peer, &visitor.key, now) else {
        form.error = form.f.w.get("login.too_often").to_owned();
        return Ok((StatusCode::TOO_MANY_REQUESTS, page(&form)?).into_response());
    };
    tokio::time::sleep(wait).await;
    let wanted = fields.raw("password").to_owned();
    let right = window.passwords.verify(fields.raw("old").to_owned(), user.password_hash.clone()).await;
    if !right {
        window.throttle.failed(peer, &visitor.key, now);
        tracing::warn!(user = visitor.key, %peer, "a wrong present password");
    }
    let problem = match (right, password::fits(&wanted)) {
        (false, _) => Some("settings.wrong_password"),
        (true, false) => Some("users.password_help"),
        (true, true) => None,
    };
    if let Some(problem) = problem {
        form.error = form.f.w.get(problem).to_owned();
        return Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response());
    }
    let hash = window.passwords.hash(wanted).await.ok_or_else(|| Fail::broken("no random bytes"))?;
    let (actor, admin) = (visitor.actor(), &window.web.admin);
    admin.change_own_password(&actor, &visitor.key, &user.password_hash, hash.clone()).await?;
    super::login::open(&window, &visitor.key, &hash, &format!("/a/{}/settings?done=saved", account.id)).await
}

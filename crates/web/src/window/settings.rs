//! `/a/{account}/settings`: the account's name, who may log in for it, what was changed, one's password.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::settings::{Account, KeepChoice, Scope, Setting, SettingKey, User};
use journal::{AccountSettings, AuditEntry, AuditFilter};

use super::fail::back_to;
use super::frame::page;
use super::{Fail, Frame, Posted, Visitor, Window, audit, oidc, password, refusal};
use crate::wire;

/// Entries of the audit log that are shown.
const ENTRIES: usize = 50;

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

    fn read(&self) -> Result<KeepChoice, wire::Refusal> {
        let count = |field, text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                wire::Refusal::new(field, format!("expected a whole number or nothing, found {text:?}"))
            }),
        };
        wire::keep(&wire::KeepWire {
            days: count("keep.days", &self.days)?,
            megabytes: count("keep.megabytes", &self.megabytes)?,
        })
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
    users: Vec<(String, &'static str)>,
    entries: Vec<(String, String, &'static str, String)>,
    /// Where the visitor's password is, if that is not here.
    password_at: Option<String>,
    error: String,
}

async fn build(window: &Window, visitor: &Visitor, account: &AccountSettings) -> Result<SettingsPage, Fail> {
    let f = Frame::account(window, visitor, account, "settings");
    let users = window.web.cache.users();
    let shown = |name: &str, user: &User| oidc::shown(name, user).to_owned();
    let users = users.iter().filter_map(|(name, (user, _))| match &user.scope {
        Scope::Account(own) if *own == account.id => Some((shown(name, user), "scope.account")),
        Scope::ReadAccount(own) if *own == account.id => Some((shown(name, user), "scope.read-only")),
        Scope::Everything | Scope::Account(_) | Scope::ReadAccount(_) => None,
    });
    let filter = AuditFilter { account: Some(account.id.clone()), limit: ENTRIES, ..AuditFilter::default() };
    let entries = window.web.journal.audit(filter).await?.entries.into_iter();
    let told = |entry: AuditEntry| {
        (f.locale.wall(entry.at), audit::who(&entry), f.w.get(&entry.what), audit::told(&entry))
    };
    Ok(SettingsPage {
        version: account.version,
        name: account.account.name.clone(),
        keep: KeepForm::of(account.account.keep),
        users: users.collect(),
        entries: entries.map(told).collect(),
        error: String::new(),
        password_at: visitor.vouched.then(|| oidc::label(window, &visitor.key)),
        f,
    })
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
    let wanted =
        wire::name("name", &form.name).and_then(|name| Ok(Account { name, keep: form.keep.read()? }));
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(refusal) => {
            form.error = refusal::told(form.f.w, &refusal);
            return Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response());
        }
    };
    let detail = wire::in_words(&wanted);
    let setting = Setting::Account(wanted);
    let expected = fields.get("version").parse().ok();
    match window.web.cache.put(SettingKey::Account(account.id.clone()), Some(setting), expected).await {
        Ok(_) => {}
        Err(journal::JournalError::Conflict { .. }) => {
            form.error = form.f.w.get("settings.conflict").to_owned();
            return Ok((StatusCode::CONFLICT, page(&form)?).into_response());
        }
        Err(error) => return Err(error.into()),
    }
    audit::note(&window.web.cache, &visitor.name, "audit.account", account.id.as_str(), &detail).await;
    Ok(back_to(&form.f.to("settings"), "saved"))
}

/// One's own password. Every other session of the person ends with it.
pub(super) async fn password(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let mut form = build(&window, &visitor, &account).await?;
    let Some((user, version)) = window.web.cache.user(&visitor.key) else {
        return Err(Fail::Enter { taste: visitor.taste });
    };
    if let Some(place) = &form.password_at {
        form.error = form.f.w.with("settings.password_at", "label", place);
        return Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response());
    }
    let wanted = fields.raw("password").to_owned();
    let right = window.passwords.verify(fields.raw("old").to_owned(), user.password_hash.clone()).await;
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
    let user = User { password_hash: hash.clone(), ..user };
    window
        .web
        .cache
        .put(SettingKey::User(visitor.key.clone()), Some(Setting::User(user)), Some(version))
        .await?;
    audit::note(&window.web.cache, &visitor.name, "audit.password", "", "").await;
    super::login::open(&window, &visitor.key, &hash, &format!("/a/{}/settings?done=saved", account.id))
}

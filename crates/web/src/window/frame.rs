//! What is around every page: its texts, its address, and how one gets from it to others. Who fills it in is `around`.

use admin::Service;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::anchor::anchor;
use super::browser::Taste;
use super::messages::{Language, Messages};
use super::{Fail, Locale, assets};
use crate::zone;

/// Something to be known on every page.
pub(crate) struct Alert {
    /// `failed`, `waiting`.
    pub(crate) tone: &'static str,
    pub(crate) text: String,
    /// Where to do something about it, without the sub-path; empty for nowhere.
    pub(crate) place: String,
}

/// What to do where nothing is yet: in this installation, as it stands.
pub(crate) struct Step {
    pub(crate) text: String,
    /// Where, with the sub-path; empty for nowhere.
    pub(crate) place: String,
}

/// What is around a page.
pub(crate) struct Frame {
    pub(crate) w: Messages,
    pub(crate) locale: Locale,
    pub(crate) base: String,
    pub(crate) theme: &'static str,
    pub(crate) here: String,
    /// The place that is marked: `now`, `calls`, ….
    pub(crate) place: &'static str,
    /// Empty when nobody is logged in.
    pub(crate) user: String,
    pub(crate) csrf: String,
    pub(crate) operates: bool,
    pub(crate) may_change: bool,
    /// The account's id; empty for none.
    pub(crate) account: String,
    pub(crate) account_name: String,
    pub(crate) alerts: Vec<Alert>,
    /// How the account's web services are doing.
    pub(crate) services: Vec<Service>,
    /// What leads to the first call.
    pub(crate) step: Option<Step>,
    /// What was just done, in words.
    pub(crate) done: Option<&'static str>,
    pub(crate) partial: bool,
}

impl Frame {
    /// Around a page for nobody in particular.
    pub(crate) fn open(base: &str, taste: &Taste) -> Self {
        Self {
            w: Messages(taste.language),
            locale: Locale { language: taste.language, zone: zone::named(zone::ZONE) },
            base: base.to_owned(),
            theme: taste.theme,
            here: taste.here.clone(),
            place: "",
            user: String::new(),
            csrf: String::new(),
            operates: false,
            may_change: false,
            account: String::new(),
            account_name: String::new(),
            alerts: Vec::new(),
            services: Vec::new(),
            step: None,
            done: None,
            partial: taste.partial,
        }
    }

    /// An address of this site, with the sub-path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A place of the account, with the sub-path.
    pub(crate) fn to(&self, place: &str) -> String {
        format!("{}/a/{}/{place}", self.base, self.account)
    }

    /// The part of the manual that tells of this place.
    pub(crate) fn help(&self) -> String {
        let section = match self.place {
            "" => self.w.get("login.title"),
            place => self.w.find(&format!("place.{place}")).unwrap_or_default(),
        };
        self.url(&format!("/help#{}", anchor(section)))
    }

    /// An asset, by its plain name.
    pub(crate) fn asset(&self, name: &str) -> String {
        let names = assets::names();
        let name = match name {
            "css" => &names.css,
            "js" => &names.js,
            "htmx" => &names.htmx,
            "sse" => &names.sse,
            _ => &names.icon,
        };
        self.url(&format!("/assets/{name}"))
    }

    /// `page` for the place that is marked.
    pub(crate) fn current(&self, place: &str) -> &'static str {
        if self.place == place { "page" } else { "false" }
    }

    /// The account's name, or its id where it has none.
    pub(crate) fn account_title(&self) -> &str {
        if self.account_name.is_empty() { &self.account } else { &self.account_name }
    }

    /// The code of the language.
    pub(crate) fn language(&self) -> &'static str {
        self.w.0.code()
    }

    /// The code of the language to change to.
    pub(crate) fn other_language(&self) -> &'static str {
        match self.w.0 {
            Language::Danish => "en",
            Language::English => "da",
        }
    }
}

/// Renders a page.
pub(crate) fn page(template: &impl Template) -> Result<Response, Fail> {
    match template.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Err(Fail::broken("render"))
        }
    }
}

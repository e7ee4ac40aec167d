//! As much of a browser as the tests need: cookies, forms, redirects.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, header};

use crate::rig::{Reply, Rig};

/// The password of every person in the tests.
pub(crate) const PASSWORD: &str = "a short sentence";

/// Somebody's browser.
pub(crate) struct Browser<'a> {
    pub(crate) rig: &'a Rig,
    pub(super) cookie: String,
    pub(super) language: &'static str,
    /// The address it comes from, where a server would say one.
    pub(crate) from: Option<std::net::IpAddr>,
}

/// The key of the one-time link that a page shows.
pub(crate) fn link_key(page: &str) -> String {
    let from = page.split_once("/welcome?key=").unwrap_or_else(|| panic!("no link: {page}")).1;
    from.split('<').next().unwrap().to_owned()
}

impl<'a> Browser<'a> {
    pub(crate) fn new(rig: &'a Rig) -> Self {
        Self::speaking(rig, "da")
    }

    /// One that comes from an address.
    pub(crate) fn at(rig: &'a Rig, address: &str) -> Self {
        Self { from: Some(address.parse().unwrap()), ..Self::new(rig) }
    }

    pub(crate) fn speaking(rig: &'a Rig, language: &'static str) -> Self {
        Self { rig, cookie: String::new(), language, from: None }
    }

    /// The same person, who reads another language.
    pub(crate) fn in_language(&self, language: &'static str) -> Self {
        Self { rig: self.rig, cookie: self.cookie.clone(), language, from: self.from }
    }

    /// The first operator, by the one-time link.
    pub(crate) async fn first(rig: &'a Rig) -> Self {
        let mut browser = Self::new(rig);
        let link = web::first_run_path(&rig.room).await.unwrap().unwrap();
        let key = link.split_once("key=").unwrap().1.to_owned();
        let fields = [("key", &*key), ("name", "olga"), ("password", PASSWORD), ("again", PASSWORD)];
        let reply = browser.send("/first", &fields).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        browser
    }

    /// Somebody the operator has made.
    pub(crate) async fn made(operator: &Self, name: &str, scope: &str) -> Self {
        let fields = [("name", name), ("scope", scope), ("account", "1")];
        let reply = operator.post("/operator/users", &fields).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let mut browser = Self::new(operator.rig);
        let key = link_key(&reply.text);
        let fields = [("key", &*key), ("password", PASSWORD), ("again", PASSWORD)];
        let reply = browser.send("/welcome", &fields).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.rig.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as the library does that puts parts of a page in place.
    pub(crate) async fn post_part(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.csrf().await;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).append_pair("_csrf", &csrf).finish();
        let request = self.request("POST", path).header("hx-request", "true");
        self.rig.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a form with the token of the session.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.csrf().await;
        let with: Vec<_> = fields.iter().copied().chain([("_csrf", csrf.as_str())]).collect();
        self.post_as_it_is(path, &with).await
    }

    pub(crate) async fn post_as_it_is(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
        self.rig.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a form and keeps the cookie of the answer.
    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let reply = self.post_as_it_is(path, fields).await;
        if let Some(cookie) = reply.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        reply
    }

    async fn csrf(&self) -> String {
        for page in ["/operator/accounts", "/a/1/now"] {
            let text = self.get(page).await.text;
            if let Some((_, rest)) = text.split_once("name=\"_csrf\" value=\"") {
                return rest.split('"').next().unwrap().to_owned();
            }
        }
        String::new()
    }

    pub(super) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let mut request =
            Request::builder().method(method).uri(path).header("accept-language", self.language);
        if let Some(address) = self.from {
            request = request.extension(ConnectInfo(std::net::SocketAddr::new(address, 4711)));
        }
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }
}

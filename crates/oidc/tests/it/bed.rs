//! A provider, and a house whose people log in through it.

use calls::AccountId;
use delivery::connect::{ConnectorOptions, FetchOptions, Fetcher};
use delivery::guard::Guard;
use journal::WallTime;
use journal::settings::Secret;
use oidc::stage::{CLIENT_ID, CLIENT_SECRET, Stage};
use oidc::{Back, Chances, Fits, Grants, Issuer, Person, Provider, Refusal, Roles, Rule, Settings, Whose};

/// Where the provider sends people back to.
pub(crate) const REDIRECT: &str = "https://calls.example.com/ringbud/login/oidc/back";
/// What a browser holds while its person is away.
pub(crate) const BROWSER: &str = "what the cookie says";

pub(crate) struct Bed {
    pub(crate) stage: Stage,
    pub(crate) provider: Provider,
}

/// This moment; the provider's clock is the machine's too.
#[expect(clippy::disallowed_methods, reason = "the provider on the stage has a real clock")]
pub(crate) fn now() -> WallTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    WallTime(i64::try_from(since.as_micros()).unwrap())
}

pub(crate) fn later(secs: i64) -> WallTime {
    WallTime(now().0 + secs * 1_000_000)
}

/// A provider at an issuer, reached past a guard that allows these networks.
pub(crate) fn provider_at(issuer: &str, allow: &[&str]) -> Provider {
    let guard = Guard::new(allow.iter().map(|net| net.parse().unwrap()).collect());
    let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
    let limit = std::time::Duration::from_secs(2);
    let options = FetchOptions { connector, ca_pem: None, limit, body_max: oidc::ANSWER_MAX };
    let account =
        |id: &str, read_only| Grants::Account { whose: Whose::Account(AccountId::new(id)), read_only };
    let rule = |value: &str, grants| Rule { fits: Fits::Value(value.into()), grants };
    let settings = Settings {
        issuer: Issuer::parse(issuer).unwrap(),
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: vec!["profile".into()],
        label: "The company".into(),
        redirect: REDIRECT.parse().unwrap(),
        after_logout: "https://calls.example.com/ringbud/login".parse().unwrap(),
        roles: Roles {
            claim: "roles".into(),
            rules: vec![
                rule("ringbud-operator", Grants::Operator),
                rule("ringbud-admin", account("1", false)),
                rule("ringbud-reader", account("1", true)),
            ],
        },
    };
    Provider::new(settings, Fetcher::new(options).unwrap())
}

/// What nobody can guess, but a test.
pub(crate) fn chances(number: u32) -> Chances {
    let of = |what: &str| format!("{what}-{number:0>40}");
    Chances { state: of("state"), nonce: of("nonce"), verifier: of("verifier") }
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let stage = Stage::start("127.0.0.1:0").await.unwrap();
        let provider = provider_at(&stage.issuer(), &["127.0.0.0/8"]);
        Self { stage, provider }
    }

    /// A browser goes there, its person says yes, and it comes back.
    pub(crate) async fn log_in(&self) -> Result<Person, Refusal> {
        self.log_in_at(1, now()).await
    }

    pub(crate) async fn log_in_at(&self, number: u32, now: WallTime) -> Result<Person, Refusal> {
        let url = self.provider.begin(BROWSER, "/next", chances(number), now).await?;
        let (code, state) = self.stage.approve(url.as_str());
        let attempt = self.provider.take(&state, BROWSER, now)?;
        assert_eq!(attempt.next, "/next");
        self.provider.redeem(attempt, Back { code, ..Back::default() }, now).await
    }

    /// Why it is not believed, where that is for something in its answer.
    pub(crate) async fn distrust(&self) -> String {
        match self.log_in().await {
            Err(Refusal::Untrusted(why)) => why,
            other => panic!("{other:?}"),
        }
    }
}

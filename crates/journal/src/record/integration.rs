//! An integration at rest.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use calls::EventKind;
use serde::{Deserialize, Serialize};

use crate::reason::kept;
use crate::seal::NotOurs;
use crate::settings::{
    BodyFormat, Credentials, Extras, Integration, Method, ParameterNames, Pause, RetryChoice, Secret,
    SigningSecret, TimeFormat,
};
use crate::{Reason, WallTime};

#[derive(Serialize, Deserialize)]
pub(super) struct IntegrationShape {
    method: MethodShape,
    incoming_url: Option<String>,
    answered_url: Option<String>,
    outgoing_url: Option<String>,
    ended_url: Option<String>,
    body_format: BodyFormatShape,
    parameter_names: ParameterNamesShape,
    time_format: TimeFormatShape,
    time_zone: String,
    feature_codes: String,
    /// Since numbers can be written in one form.
    #[serde(default)]
    e164_country: Option<String>,
    extras: ExtrasShape,
    headers: Vec<(String, String)>,
    credentials: Option<CredentialsShape>,
    secrets: Vec<SigningSecretShape>,
    ca_pem: String,
    retry_incoming_secs: Option<u32>,
    retry_others_secs: Option<u32>,
    /// Since there are rates.
    #[serde(default)]
    rate: Option<NonZeroU32>,
    paused: Vec<PauseShape>,
}

impl IntegrationShape {
    pub(super) fn of(integration: &Integration, seal: &impl Fn(&Secret) -> String) -> Self {
        let Integration {
            method,
            incoming_url,
            answered_url,
            outgoing_url,
            ended_url,
            body_format,
            parameter_names,
            time_format,
            time_zone,
            feature_codes,
            e164_country,
            extras,
            headers,
            credentials,
            secrets,
            ca_pem,
            retry: RetryChoice { incoming_secs, others_secs },
            rate,
            paused,
        } = integration.clone();
        Self {
            method: MethodShape::of(method),
            incoming_url,
            answered_url,
            outgoing_url,
            ended_url,
            body_format: BodyFormatShape::of(body_format),
            parameter_names: ParameterNamesShape::of(parameter_names),
            time_format: TimeFormatShape::of(time_format),
            time_zone,
            feature_codes,
            e164_country,
            extras: ExtrasShape::of(extras),
            headers,
            credentials: credentials.map(|credentials| CredentialsShape::of(credentials, seal)),
            secrets: secrets.iter().map(|secret| SigningSecretShape::of(secret, seal)).collect(),
            ca_pem,
            retry_incoming_secs: incoming_secs,
            retry_others_secs: others_secs,
            rate,
            paused: paused.into_iter().map(PauseShape::of).collect(),
        }
    }

    pub(super) fn integration(
        self,
        open: &impl Fn(&String) -> Result<Secret, NotOurs>,
    ) -> Result<Integration, NotOurs> {
        Ok(Integration {
            method: self.method.method(),
            incoming_url: self.incoming_url,
            answered_url: self.answered_url,
            outgoing_url: self.outgoing_url,
            ended_url: self.ended_url,
            body_format: self.body_format.body_format(),
            parameter_names: self.parameter_names.parameter_names(),
            time_format: self.time_format.time_format(),
            time_zone: self.time_zone,
            feature_codes: self.feature_codes,
            e164_country: self.e164_country,
            extras: self.extras.extras(),
            headers: self.headers,
            credentials: self.credentials.map(|credentials| credentials.credentials(open)).transpose()?,
            secrets: self.secrets.into_iter().map(|secret| secret.signing(open)).collect::<Result<_, _>>()?,
            ca_pem: self.ca_pem,
            retry: RetryChoice {
                incoming_secs: self.retry_incoming_secs,
                others_secs: self.retry_others_secs,
            },
            rate: self.rate,
            paused: self.paused.into_iter().map(PauseShape::pause).collect(),
        })
    }
}

/// An enum at rest beside its domain twin, with the conversions both ways.
macro_rules! twin {
    ($shape:ident, $domain:ident, $back:ident { $($variant:ident),+ }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum $shape { $($variant),+ }

        impl $shape {
            fn of(domain: $domain) -> Self {
                match domain { $($domain::$variant => Self::$variant),+ }
            }

            fn $back(self) -> $domain {
                match self { $(Self::$variant => $domain::$variant),+ }
            }
        }
    };
}

twin!(MethodShape, Method, method { Post, Get });
twin!(BodyFormatShape, BodyFormat, body_format { Form, Json });
twin!(TimeFormatShape, TimeFormat, time_format { Iso, Local, UnixSeconds, UnixMilliseconds });
twin!(KindShape, EventKind, kind { Incoming, Answered, Outgoing, Ended });

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ParameterNamesShape {
    Default,
    AsPrinted,
    Map(BTreeMap<String, String>),
}

impl ParameterNamesShape {
    fn of(names: ParameterNames) -> Self {
        match names {
            ParameterNames::Default => Self::Default,
            ParameterNames::AsPrinted => Self::AsPrinted,
            ParameterNames::Map(map) => Self::Map(map),
        }
    }

    fn parameter_names(self) -> ParameterNames {
        match self {
            Self::Default => ParameterNames::Default,
            Self::AsPrinted => ParameterNames::AsPrinted,
            Self::Map(map) => ParameterNames::Map(map),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExtrasShape {
    None,
    All,
    Some(Vec<String>),
}

impl ExtrasShape {
    fn of(extras: Extras) -> Self {
        match extras {
            Extras::None => Self::None,
            Extras::All => Self::All,
            Extras::Some(names) => Self::Some(names),
        }
    }

    fn extras(self) -> Extras {
        match self {
            Self::None => Extras::None,
            Self::All => Extras::All,
            Self::Some(names) => Extras::Some(names),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CredentialsShape {
    Basic { username: String, sealed_password: String },
    Bearer { sealed_token: String },
}

impl CredentialsShape {
    fn of(credentials: Credentials, seal: &impl Fn(&Secret) -> String) -> Self {
        match credentials {
            Credentials::Basic { username, password } => {
                Self::Basic { username, sealed_password: seal(&password) }
            }
            Credentials::Bearer { token } => Self::Bearer { sealed_token: seal(&token) },
        }
    }

    fn credentials(self, open: &impl Fn(&String) -> Result<Secret, NotOurs>) -> Result<Credentials, NotOurs> {
        Ok(match self {
            Self::Basic { username, sealed_password } => {
                Credentials::Basic { username, password: open(&sealed_password)? }
            }
            Self::Bearer { sealed_token } => Credentials::Bearer { token: open(&sealed_token)? },
        })
    }
}

#[derive(Serialize, Deserialize)]
struct SigningSecretShape {
    sealed: String,
    until: Option<i64>,
}

impl SigningSecretShape {
    fn of(secret: &SigningSecret, seal: &impl Fn(&Secret) -> String) -> Self {
        Self { sealed: seal(&secret.secret), until: secret.until.map(|until| until.0) }
    }

    fn signing(self, open: &impl Fn(&String) -> Result<Secret, NotOurs>) -> Result<SigningSecret, NotOurs> {
        Ok(SigningSecret { secret: open(&self.sealed)?, until: self.until.map(WallTime) })
    }
}

#[derive(Serialize, Deserialize)]
struct PauseShape {
    kind: KindShape,
    since: i64,
    /// Both as [`Reason::to_kept`] writes them, or sentences from before there were reasons.
    why: String,
    server_said: String,
    by_person: bool,
}

impl PauseShape {
    fn of((kind, pause): (EventKind, Pause)) -> Self {
        let Pause { since: WallTime(since), why, server_said, by_person } = pause;
        let (why, server_said) = (why.to_kept(), kept(server_said.as_ref()));
        Self { kind: KindShape::of(kind), since, why, server_said, by_person }
    }

    fn pause(self) -> (EventKind, Pause) {
        let Self { kind, since, why, server_said, by_person } = self;
        let why = Reason::from_kept(&why).unwrap_or_else(|| Reason::text(""));
        let server_said = Reason::from_kept(&server_said);
        (kind.kind(), Pause { since: WallTime(since), why, server_said, by_person })
    }
}

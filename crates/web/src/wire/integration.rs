//! The employee integration. Secrets are written, never read: only that one is set is shown.

mod shape;

use std::num::NonZeroU32;

use admin::kept::settings::{
    BodyFormat, Credentials, Extras, Integration, Method, ParameterNames, Pause, RetryChoice, TimeFormat,
};
use admin::{Code, CredentialsWish, HIDDEN, IntegrationWish, Keeping};
use delivery::reason::english;

pub use shape::{
    BodyFormatWire, CredentialsInput, CredentialsView, ExtrasWire, IntegrationInput, IntegrationView,
    MethodWire, NamesWire, PauseView, RetryWire, TimeFormatWire,
};

use super::{ReasonView, Refusal, moment, read};

/// Reads an integration, as a whole. Secrets that are left out stay as they were.
pub fn integration_from_json(json: &[u8]) -> Result<IntegrationWish, Refusal> {
    let input: IntegrationInput = read(json)?;
    let retry = input.retry.unwrap_or_default();
    Ok(IntegrationWish {
        method: input.method.map(Method::from),
        incoming_url: input.incoming_url,
        answered_url: input.answered_url,
        outgoing_url: input.outgoing_url,
        ended_url: input.ended_url,
        body_format: input.body_format.map(BodyFormat::from),
        parameter_names: input.parameter_names.map(parameter_names).transpose()?,
        time_format: input.time_format.map(TimeFormat::from),
        time_zone: input.time_zone,
        feature_codes: input.feature_codes,
        e164_country: input.e164_country,
        extras: input.extras.map(|extras| match extras {
            ExtrasWire::Switch(false) => Extras::None,
            ExtrasWire::Switch(true) => Extras::All,
            ExtrasWire::Some(names) => Extras::Some(names),
        }),
        headers: input.headers.unwrap_or_default(),
        credentials: match input.credentials {
            None => Keeping::Stays,
            Some(None) => Keeping::Goes,
            Some(Some(CredentialsInput { kind, username, password, token, _set })) => {
                Keeping::Becomes(CredentialsWish { kind, username, password, token })
            }
        },
        secret: match input.secret {
            None => Keeping::Stays,
            Some(None) => Keeping::Goes,
            Some(Some(text)) if text.is_empty() => Keeping::Goes,
            Some(Some(text)) => Keeping::Becomes(text),
        },
        secret_overlap_secs: input.secret_overlap_secs,
        ca_pem: input.ca_pem,
        retry: RetryChoice { incoming_secs: retry.incoming_secs, others_secs: retry.others_secs },
        rate: input.rate,
    })
}

fn parameter_names(names: NamesWire) -> Result<ParameterNames, Refusal> {
    match names {
        NamesWire::Map(map) => Ok(ParameterNames::Map(map)),
        NamesWire::Named(name) => match name.as_str() {
            "default" => Ok(ParameterNames::Default),
            "as-printed" => Ok(ParameterNames::AsPrinted),
            found => Err(Refusal::of(Code::NamesChoice, "parameter_names").with("found", found)),
        },
    }
}

/// Shows an integration. A reader who may not change it does not see the values of its headers.
pub fn integration_to_json(integration: &Integration, version: u64, may_change: bool) -> IntegrationView {
    let headers = integration.headers.iter();
    IntegrationView {
        method: integration.method.into(),
        incoming_url: integration.incoming_url.clone().unwrap_or_default(),
        answered_url: integration.answered_url.clone().unwrap_or_default(),
        outgoing_url: integration.outgoing_url.clone().unwrap_or_default(),
        ended_url: integration.ended_url.clone().unwrap_or_default(),
        body_format: integration.body_format.into(),
        parameter_names: match &integration.parameter_names {
            ParameterNames::Default => NamesWire::Named("default".to_owned()),
            ParameterNames::AsPrinted => NamesWire::Named("as-printed".to_owned()),
            ParameterNames::Map(map) => NamesWire::Map(map.clone()),
        },
        time_format: integration.time_format.into(),
        time_zone: integration.time_zone.clone(),
        feature_codes: integration.feature_codes.clone(),
        e164_country: integration.e164_country.clone(),
        extras: match &integration.extras {
            Extras::None => ExtrasWire::Switch(false),
            Extras::All => ExtrasWire::Switch(true),
            Extras::Some(names) => ExtrasWire::Some(names.clone()),
        },
        headers: headers
            .map(|(name, value)| (name.clone(), if may_change { value.clone() } else { HIDDEN.to_owned() }))
            .collect(),
        credentials: integration.credentials.as_ref().map(credentials_view),
        secret_set: !integration.secrets.is_empty(),
        old_secret_until: integration.secrets.iter().find_map(|secret| secret.until).map(moment),
        ca_pem: integration.ca_pem.clone(),
        retry: RetryWire {
            incoming_secs: integration.retry.incoming_secs,
            others_secs: integration.retry.others_secs,
        },
        rate: integration.rate.map(NonZeroU32::get),
        paused: integration.paused.iter().map(|(kind, pause)| (kind.name(), pause_view(pause))).collect(),
        version,
    }
}

fn credentials_view(credentials: &Credentials) -> CredentialsView {
    match credentials {
        Credentials::Basic { username, .. } => {
            CredentialsView { kind: "basic", username: Some(username.clone()), set: true }
        }
        Credentials::Bearer { .. } => CredentialsView { kind: "bearer", username: None, set: true },
    }
}

fn pause_view(pause: &Pause) -> PauseView {
    PauseView {
        since: moment(pause.since),
        why: english(&pause.why),
        why_reason: ReasonView::of(&pause.why),
        server_said: pause.server_said.as_ref().map(english).unwrap_or_default(),
        server_said_reason: pause.server_said.as_ref().map(ReasonView::of),
        by_person: pause.by_person,
    }
}

//! The employee integration. Secrets are written, never read: only that one is set is shown.

mod check;
mod shape;

use calls::EventKind;
use delivery::reason::english;
use journal::settings::{
    BodyFormat, Credentials, Extras, Integration, Method, ParameterNames, Pause, Secret, SigningSecret,
    TimeFormat,
};
use journal::{Reason, WallTime};

pub use shape::{
    BodyFormatWire, CredentialsInput, CredentialsView, ExtrasWire, IntegrationInput, IntegrationView,
    MethodWire, NamesWire, PauseView, RetryWire, TimeFormatWire,
};

use super::{ReasonView, Refusal, moment, read};

/// How long the old signing secret is used beside a new one, where nothing else was asked for.
const SECRET_OVERLAP_SECS: u32 = 24 * 3600;

/// What a reader sees of a header's value.
const HIDDEN: &str = "(hidden)";

/// Checks a URL against the address guard: `Err` with what is wrong.
pub type CheckUrl<'a> = &'a (dyn Fn(&str) -> Result<(), Reason> + Send + Sync);

/// Reads an integration that takes the place of `before`. Secrets that are left out stay as they were.
pub fn integration_from_json(
    json: &[u8],
    before: &Integration,
    now: WallTime,
    check_url: CheckUrl<'_>,
) -> Result<Integration, Refusal> {
    integration_from_input(read(json)?, before, now, check_url)
}

/// The same from what was read already.
pub fn integration_from_input(
    input: IntegrationInput,
    before: &Integration,
    now: WallTime,
    check_url: CheckUrl<'_>,
) -> Result<Integration, Refusal> {
    let url = |field: &str, text: Option<String>| check::url(field, text.as_deref(), check_url);
    let mut integration = Integration {
        method: input.method.map_or(Method::Post, Method::from),
        incoming_url: url("incoming_url", input.incoming_url)?,
        answered_url: url("answered_url", input.answered_url)?,
        outgoing_url: url("outgoing_url", input.outgoing_url)?,
        ended_url: url("ended_url", input.ended_url)?,
        body_format: input.body_format.map_or(BodyFormat::Form, BodyFormat::from),
        parameter_names: check::parameter_names(input.parameter_names)?,
        time_format: input.time_format.map_or(TimeFormat::Iso, TimeFormat::from),
        time_zone: check::time_zone(input.time_zone)?,
        feature_codes: check::feature_codes(input.feature_codes)?,
        extras: check::extras(input.extras)?,
        headers: check::headers(input.headers, &before.headers)?,
        credentials: check::credentials(input.credentials, before.credentials.as_ref())?,
        secrets: before.secrets.clone(),
        ca_pem: check::ca_pem(input.ca_pem)?,
        retry: check::retry(input.retry)?,
        paused: before.paused.clone(),
    };
    match input.secret {
        None => {}
        Some(None) => integration.secrets.clear(),
        Some(Some(text)) if text.is_empty() => integration.secrets.clear(),
        Some(Some(text)) => {
            let overlap = input.secret_overlap_secs.unwrap_or(SECRET_OVERLAP_SECS);
            rotate(&mut integration, check::signing_secret(&text)?, overlap, now);
        }
    }
    // A pause belongs to the address that caused it.
    for kind in EventKind::ALL {
        if integration.url(kind) != before.url(kind) {
            integration.paused.remove(&kind);
        }
    }
    Ok(integration)
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

/// Puts a new signing secret in front; the one before it stays good for the overlap.
pub fn rotate(integration: &mut Integration, secret: Secret, overlap_secs: u32, now: WallTime) {
    if integration.secrets.first().is_some_and(|current| current.secret == secret) {
        return;
    }
    let until = WallTime(now.0.saturating_add(i64::from(overlap_secs) * 1_000_000));
    integration.secrets.truncate(1);
    for old in &mut integration.secrets {
        old.until = Some(until);
    }
    integration.secrets.insert(0, SigningSecret { secret, until: None });
}

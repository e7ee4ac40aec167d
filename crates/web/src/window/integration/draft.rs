//! What stands in the form, and what it would be if it were saved.

use std::collections::BTreeMap;

use admin::IntegrationWish;
use admin::kept::AccountSettings;
use admin::kept::settings::{
    BodyFormat, Credentials, Extras, Integration, Method, ParameterNames, TimeFormat,
};
use calls::EventKind;
use delivery::guard::WebhookUrl;
use serde_json::{Map, Value, json};

use super::super::visitor::Fields;
use super::super::{Messages, Visitor, Window, refusal};
use super::{ORDER, field};
use crate::wire;

/// More wrong fields than this are told another time.
const MAX_ERRORS: usize = 12;

/// A draft that was checked.
pub(crate) struct Checked {
    /// Without the fields that are wrong.
    pub(crate) integration: Integration,
    /// The same as it is wanted.
    pub(crate) wish: IntegrationWish,
    /// By field.
    pub(crate) errors: BTreeMap<String, String>,
    /// What was probably meant, by field.
    pub(crate) offers: BTreeMap<&'static str, String>,
}

/// The units of a length of time, longest first, in seconds.
pub(crate) const UNITS: [(u32, &str); 4] = [
    (86_400, "integration.days"),
    (3_600, "integration.hours"),
    (60, "integration.minutes"),
    (1, "integration.seconds"),
];

/// The form's fields of what is kept. Header values are for those who may change them.
pub(crate) fn of(integration: &Integration, may_change: bool) -> Fields {
    let mut fields = Vec::new();
    let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
    put("method", if integration.method == Method::Get { "GET" } else { "POST" }.into());
    for kind in ORDER {
        put(field(kind), integration.url(kind).unwrap_or_default().to_owned());
    }
    put("body_format", if integration.body_format == BodyFormat::Json { "json" } else { "form" }.into());
    let (names, map) = match &integration.parameter_names {
        ParameterNames::Default => ("default", String::new()),
        ParameterNames::AsPrinted => ("as-printed", String::new()),
        ParameterNames::Map(map) => {
            ("map", map.iter().map(|(from, to)| format!("{from} = {to}\n")).collect())
        }
    };
    put("parameter_names", names.into());
    put("names_map", map);
    put("time_format", time_format(integration.time_format).into());
    put("time_zone", integration.time_zone.clone());
    put("feature_codes", integration.feature_codes.clone());
    put("e164_country", integration.e164_country.clone().unwrap_or_default());
    put(
        "extras",
        match &integration.extras {
            Extras::None => "none",
            Extras::All => "all",
            Extras::Some(_) => "some",
        }
        .into(),
    );
    if let Extras::Some(names) = &integration.extras {
        names.iter().for_each(|name| put("extra", name.clone()));
    }
    let shown = |value: &str| if may_change { value.to_owned() } else { "•••".to_owned() };
    put(
        "headers",
        integration.headers.iter().map(|(name, value)| format!("{name}: {}\n", shown(value))).collect(),
    );
    let (kind, username) = match &integration.credentials {
        None => ("none", ""),
        Some(Credentials::Basic { username, .. }) => ("basic", username.as_str()),
        Some(Credentials::Bearer { .. }) => ("bearer", ""),
    };
    put("credentials", kind.into());
    put("username", username.to_owned());
    put("ca_pem", integration.ca_pem.clone());
    let retry = &integration.retry;
    let lengths = [
        ("incoming_secs", "incoming_unit", retry.incoming_secs, 60),
        ("others_secs", "others_unit", retry.others_secs, 86_400),
    ];
    for (name, unit, secs, without) in lengths {
        let of = secs.map_or(without, |secs| {
            UNITS.iter().map(|(unit, _)| *unit).find(|unit| secs > 0 && secs % unit == 0).unwrap_or(1)
        });
        put(name, secs.map(|secs| (secs / of).to_string()).unwrap_or_default());
        put(unit, of.to_string());
    }
    put("rate", integration.rate.map(|rate| rate.to_string()).unwrap_or_default());
    Fields(fields)
}

fn time_format(format: TimeFormat) -> &'static str {
    match format {
        TimeFormat::Iso => "iso",
        TimeFormat::Local => "local",
        TimeFormat::UnixSeconds => "unix",
        TimeFormat::UnixMilliseconds => "unix_ms",
    }
}

/// Checks a form: all that is wrong at once, each by its field.
pub(crate) fn checked(
    window: &Window,
    visitor: &Visitor,
    account: &AccountSettings,
    w: Messages,
    fields: &Fields,
) -> Checked {
    let (mut input, mut errors) = json_of(w, fields);
    let actor = visitor.actor();
    for _ in 0..MAX_ERRORS {
        let wish = wire::integration_from_json(Value::Object(input.clone()).to_string().as_bytes());
        let drafted = wish.and_then(|wish| {
            let integration =
                window.web.admin.draft_integration(&actor, account.id.as_str(), wish.clone())?;
            Ok((integration, wish))
        });
        match drafted {
            Ok((integration, wish)) => {
                return Checked { integration, wish, offers: offers(fields, &errors), errors };
            }
            Err(refusal) => {
                let top = refusal.field.split('.').next().unwrap_or_default().to_owned();
                input.remove(&top);
                let told = refusal::told(w, &refusal);
                if top.is_empty() || errors.insert(refusal.field, told).is_some() {
                    break;
                }
            }
        }
    }
    let integration = account.integration().map(|(_, one, _)| Integration::clone(one)).unwrap_or_default();
    Checked { integration, wish: IntegrationWish::default(), offers: offers(fields, &errors), errors }
}

/// What was probably meant where an address is wrong: the same with `https://` before it, if that can be one.
fn offers(fields: &Fields, errors: &BTreeMap<String, String>) -> BTreeMap<&'static str, String> {
    let mut offers = BTreeMap::new();
    for field in ORDER.map(field) {
        let typed = fields.get(field);
        let meant = format!("https://{}", typed.trim_start_matches(['/', ':']));
        let plausible = typed.contains('.') && !typed.contains("://");
        if plausible && errors.contains_key(field) && WebhookUrl::parse(&meant).is_ok() {
            offers.insert(field, meant);
        }
    }
    offers
}

/// The form as the API would be sent it.
fn json_of(w: Messages, fields: &Fields) -> (Map<String, Value>, BTreeMap<String, String>) {
    let mut errors = BTreeMap::new();
    let mut input = Map::new();
    let plain =
        ["method", "body_format", "time_format", "time_zone", "feature_codes", "e164_country", "ca_pem"];
    for name in plain.into_iter().chain(ORDER.map(field)) {
        if fields.has(name) {
            input.insert(name.to_owned(), json!(fields.get(name)));
        }
    }
    let names = match fields.get("parameter_names") {
        "map" => pairs("parameter_names", w.get("expect.names"), fields.raw("names_map"), '=', &mut errors),
        "" => json!("default"),
        name => json!(name),
    };
    input.insert("parameter_names".into(), names);
    let extras = match fields.get("extras") {
        "all" => json!(true),
        "some" => json!(fields.all("extra").collect::<Vec<_>>()),
        _ => json!(false),
    };
    input.insert("extras".into(), extras);
    input.insert(
        "headers".into(),
        pairs("headers", w.get("expect.headers"), fields.raw("headers"), ':', &mut errors),
    );
    let credentials = match fields.get("credentials") {
        "basic" => {
            json!({"type": "basic", "username": fields.get("username"), "password": fields.raw("password")})
        }
        "bearer" => json!({"type": "bearer", "token": fields.raw("bearer_token").trim()}),
        _ => Value::Null,
    };
    input.insert("credentials".into(), credentials);
    let mut retry = Map::new();
    for (name, unit) in [("incoming_secs", "incoming_unit"), ("others_secs", "others_unit")] {
        let unit = fields.get(unit).parse().unwrap_or(1);
        match fields.get(name) {
            "" => {}
            text => match text.parse::<u32>().ok().and_then(|count| count.checked_mul(unit)) {
                Some(secs) => drop(retry.insert(name.into(), json!(secs))),
                None => drop(errors.insert(format!("retry.{name}"), w.get("expect.retry").into())),
            },
        }
    }
    input.insert("retry".into(), Value::Object(retry));
    match fields.get("rate") {
        "" => {}
        text => match text.parse::<u32>() {
            Ok(rate) => drop(input.insert("rate".into(), json!(rate))),
            Err(_) => drop(errors.insert("rate".into(), w.get("expect.retry").into())),
        },
    }
    (input, errors)
}

/// Lines of `name = value`.
fn pairs(
    field: &str,
    expected: &str,
    text: &str,
    mark: char,
    errors: &mut BTreeMap<String, String>,
) -> Value {
    let mut map = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once(mark) {
            Some((name, value)) => drop(map.insert(name.trim().to_owned(), json!(value.trim()))),
            None => drop(errors.insert(field.to_owned(), format!("{expected}: {line}"))),
        }
    }
    Value::Object(map)
}

/// What saving would change, in words.
pub(crate) fn changes(w: &Messages, before: &Integration, after: &Integration) -> Vec<&'static str> {
    let mut changes = Vec::new();
    let mut note = |changed: bool, key: &str| {
        if changed {
            changes.push(w.get(key));
        }
    };
    note(before.method != after.method, "integration.method");
    for kind in ORDER {
        note(before.url(kind) != after.url(kind), url_key(kind));
    }
    note(before.body_format != after.body_format, "integration.body_format");
    note(before.parameter_names != after.parameter_names, "integration.names");
    note(before.time_format != after.time_format, "integration.time_format");
    note(before.time_zone != after.time_zone, "integration.time_zone");
    note(before.feature_codes != after.feature_codes, "integration.feature_codes");
    note(before.e164_country != after.e164_country, "integration.e164");
    note(before.extras != after.extras, "integration.extras");
    note(before.headers != after.headers, "integration.headers");
    note(before.credentials != after.credentials, "integration.credentials");
    note(before.ca_pem != after.ca_pem, "integration.ca");
    note(before.retry != after.retry, "integration.retry");
    note(before.rate != after.rate, "integration.rate");
    changes
}

const fn url_key(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Incoming => "url.incoming",
        EventKind::Answered => "url.answered",
        EventKind::Outgoing => "url.outgoing",
        EventKind::Ended => "url.ended",
    }
}

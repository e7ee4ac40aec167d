//! The description of the API: what its code says of itself, and what holds for all of it.

use admin::{Code, Family};
use delivery::payload::schema;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement};

use super::envelope::PROBLEM;

const ABOUT: &str = "Employee integration of a PBX: accounts, employees, phones, webhooks, calls and deliveries.\n\n\
    Settings carry a version as `ETag`; with `If-Match` a lost update is refused (412) with what was changed \
    meanwhile, with `If-None-Match: *` only a new thing is written. Lists are newest first; `next` of one page is \
    `before` of the following.\n\n\
    Every refusal is a problem of RFC 9457 (`application/problem+json`) with a member `error`: its `code` is a family \
    of refusals, its `reason.code` one of this table, its `message` the sentence. The window and the command line \
    refuse with the same.\n\n";

/// What may be answered wherever a token is asked for; the rest depends on what is asked.
const EVERYWHERE: [Family; 4] =
    [Family::Unauthorized, Family::Invalid, Family::Internal, Family::Unavailable];

/// The description of the API and of what web services are told, generated from the code.
#[derive(Serialize)]
pub struct Described {
    #[serde(flatten)]
    api: OpenApi,
    webhooks: Value,
}

/// What is described.
pub fn openapi() -> Described {
    Described { api: api(), webhooks: schema::openapi_webhooks() }
}

/// The events as an AsyncAPI document.
pub fn asyncapi() -> Value {
    schema::asyncapi(env!("CARGO_PKG_VERSION"))
}

fn api() -> OpenApi {
    let mut description = super::routes().into_openapi();
    description.info.description = Some(format!("{ABOUT}{}", admin::table()));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    if let Some(components) = description.components.as_mut() {
        components.add_security_scheme("token", bearer);
    }
    description.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    for (path, item) in &mut description.paths.paths {
        let of_thing = path.contains('{');
        let changing = [&mut item.put, &mut item.post, &mut item.delete];
        for operation in changing.into_iter().flatten() {
            complete(operation, of_thing, true);
        }
        if let Some(operation) = &mut item.get {
            complete(operation, of_thing, false);
        }
    }
    description
}

/// Every answer that is no success, with the problem in it.
fn complete(operation: &mut Operation, of_thing: bool, changing: bool) {
    let mut families = EVERYWHERE.to_vec();
    if of_thing {
        families.push(Family::NotFound);
    }
    if changing {
        families.push(Family::Forbidden);
    }
    if operation.request_body.is_some() {
        families.push(Family::TooLarge);
    }
    let responses = &mut operation.responses.responses;
    for family in families {
        responses.entry(family.status().to_string()).or_insert_with(|| RefOr::T(Default::default()));
    }
    for (status, response) in responses.iter_mut() {
        let Ok(status) = status.parse::<u16>() else { continue };
        if status < 400 {
            continue;
        }
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorEnvelope"))).build();
        let codes = Code::ALL.iter().map(|code| code.family()).filter(|family| family.status() == status);
        let mut names: Vec<_> = codes.map(Family::name).collect();
        names.dedup();
        let built = ResponseBuilder::new().description(names.join(", ")).content(PROBLEM, problem);
        *response = RefOr::T(built.build());
    }
}

//! `/links`: how the links to the PBXs are doing.

use std::collections::BTreeMap;
use std::sync::Arc;

use admin::{Beside, EarlierCalls, Link, LinkState, Remark, Stranger};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use super::auth::Caller;
use crate::Web;
use crate::wire;

/// The links to the PBXs.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkList {
    /// In the configuration's order.
    links: Vec<LinkView>,
    /// Where several gateways share the store, and only to operators: who has the calls of before they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier_calls: Option<EarlierCallsView>,
}

/// A link to a PBX. To tokens that are no operator's only `state` and `since` are told.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkView {
    /// `connecting`, `up`, `down`, or `elsewhere`: another gateway that shares the store follows it.
    #[schema(example = "up")]
    state: &'static str,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// The rest.
    #[serde(flatten)]
    operators: Option<LinkDetail>,
}

/// What of a link is the operator's.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkDetail {
    /// The PBX's name in the configuration.
    pbx: String,
    /// Host and port.
    address: String,
    /// Why it is down, or which gateway has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<RemarkView>,
    /// The last error, which stays after it is up again.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<RemarkView>,
    /// What the login lacks, and what is wrong although it is up.
    remarks: Vec<RemarkView>,
    /// Endpoints that have calls and that no phone rule takes.
    strangers: Vec<StrangerView>,
    /// How far the stream is behind the PBX's clock, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_ms: Option<u64>,
    /// Which gateways listen to the PBX beside the one that has it, those first who would miss nothing; absent where gateways do
    /// not share the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    beside: Option<Vec<BesideView>>,
    /// What the PBX says it is; empty while unknown.
    version: String,
    /// Channels up now; only the gateway that follows the PBX knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<u64>,
    /// Legs up now; only the gateway that follows the PBX knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    legs: Option<u64>,
}

/// A gateway that listens to a PBX beside the one that has it, to have it next.
#[derive(Serialize, ToSchema)]
pub(crate) struct BesideView {
    /// What it is called.
    gateway: String,
    /// Whether it could have the PBX now and miss nothing of what is said.
    misses_nothing: bool,
    /// What its link lacks, as a code, where it would miss something.
    #[serde(skip_serializing_if = "Option::is_none")]
    lacks: Option<String>,
    /// Since when its link is as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

/// Calls of before the PBXs were shared, which are of no PBX: one gateway sends them again where that is wanted.
#[derive(Serialize, ToSchema)]
pub(crate) struct EarlierCallsView {
    /// The gateway that has them; absent while none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

/// Something an operator should know of a link.
#[derive(Serialize, ToSchema)]
pub(crate) struct RemarkView {
    /// Stable, for programs.
    #[schema(example = "login_refused")]
    code: &'static str,
    /// What its sentence speaks of.
    args: BTreeMap<&'static str, String>,
    /// For a person: what is wrong and how to mend it.
    message: String,
}

/// An endpoint that has calls and that no phone rule takes.
#[derive(Serialize, ToSchema)]
pub(crate) struct StrangerView {
    /// As the PBX calls it.
    #[schema(example = "PJSIP/reception")]
    endpoint: String,
    /// Whether the PBX shows it as a provider's line.
    provider: bool,
    /// When it had a call first since the program started.
    since: String,
}

fn remark(remark: &Remark) -> RemarkView {
    let message = remark.told(admin::Language::English);
    RemarkView { code: remark.code, args: remark.args.iter().cloned().collect(), message }
}

fn stranger(Stranger { endpoint, is_provider, since }: &Stranger) -> StrangerView {
    StrangerView { endpoint: endpoint.clone(), provider: *is_provider, since: wire::moment(*since) }
}

fn beside(Beside { gateway, lacks, since }: &Beside) -> BesideView {
    BesideView {
        gateway: gateway.clone(),
        misses_nothing: lacks.is_none(),
        lacks: lacks.clone(),
        since: since.map(wire::moment),
    }
}

fn earlier_calls(EarlierCalls { gateway, since }: EarlierCalls) -> EarlierCallsView {
    EarlierCallsView { gateway, since: since.map(wire::moment) }
}

fn detail(link: &Link) -> LinkDetail {
    let is_here = !matches!(link.state, LinkState::Elsewhere(_));
    LinkDetail {
        pbx: link.name.clone(),
        address: link.address.clone(),
        why: match &link.state {
            LinkState::Down(why) => why.as_ref().map(remark),
            LinkState::Elsewhere(where_) => Some(remark(where_)),
            LinkState::Up | LinkState::Connecting => None,
        },
        last_error: link.last_error.as_ref().map(remark),
        remarks: link.remarks.iter().map(remark).collect(),
        strangers: link.strangers.iter().map(stranger).collect(),
        lag_ms: link.lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)),
        beside: link.beside.as_ref().map(|all| all.iter().map(beside).collect()),
        version: link.version.clone(),
        channels: is_here.then_some(link.channels),
        legs: is_here.then_some(link.legs),
    }
}

/// How the links to the PBXs are doing; what is wrong as codes with arguments.
#[utoipa::path(get, path = "/links", tag = "links", operation_id = "list_links",
    responses((status = 200, body = LinkList)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    Caller(actor): Caller,
) -> Result<Json<LinkList>, ApiError> {
    let view = |link: &Link| LinkView {
        state: link.state.name(),
        since: link.since.map(wire::moment),
        operators: actor.operates().then(|| detail(link)),
    };
    let links = web.admin.links(&actor).iter().map(view).collect();
    Ok(Json(LinkList { links, earlier_calls: web.admin.earlier_calls(&actor).map(earlier_calls) }))
}

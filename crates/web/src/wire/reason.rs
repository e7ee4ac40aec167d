//! A reason on the wire: what programs go by.

use std::collections::BTreeMap;

use admin::Refusal;
use admin::kept::Reason;
use serde::Serialize;
use utoipa::ToSchema;

/// Why something failed or was refused, for programs. The manual lists the codes of failures (docs/delivery.md,
/// Reasons), the description of the API those of refusals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReasonView {
    /// Stable; new ones may come.
    #[schema(example = "connection_refused")]
    pub code: String,
    /// What it is about, by name.
    #[schema(example = json!({"address": "192.0.2.7:443"}))]
    pub args: BTreeMap<String, String>,
}

impl ReasonView {
    /// Of what is kept.
    pub fn of(reason: &Reason) -> Self {
        let args = reason.args().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { code: reason.code().to_owned(), args }
    }

    /// Of a refusal.
    pub fn of_refusal(refusal: &Refusal) -> Self {
        let args = refusal.args().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { code: refusal.code.name().to_owned(), args }
    }
}

//! What every handler has at hand.

use std::sync::Arc;

/// What the program gives.
pub struct Web {
    /// Every command and query of people and programs.
    pub admin: Arc<admin::Admin>,
    /// The OpenID provider people may log in through.
    pub provider: Option<Arc<oidc::Provider>>,
    /// How things are served.
    pub options: Options,
}

/// How things are served.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The sub-path behind a proxy, as `/ringbud`; empty for none.
    pub path: String,
    /// Where people reach the window, sub-path and all, for links that are handed on; empty: nobody knows, and the path
    /// alone is told.
    pub at: String,
    /// Whether people reach the window by https: then cookies are sent over nothing else.
    pub secure: bool,
    /// Whether `/metrics` needs an operator's token.
    pub metrics_need_token: bool,
    /// How many days the operator keeps what happened; `None` for ever. An account may keep less.
    pub keep_days: Option<u32>,
    /// The size over which the oldest is forgotten, in megabytes; `None` for none.
    pub keep_megabytes: Option<u32>,
    /// So many legs of a person are counted and taken along by the page at most, if not the usual number of them; the
    /// command line has no such bound.
    pub most_personal: Option<usize>,
}

//! The phones and trunks a PBX knows.

/// What shows that an endpoint is a provider's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Its calls come in where calls from outside do.
    Context,
    /// The PBX registers itself with it.
    Registration,
    /// The PBX logs in to it when it calls.
    Login,
    /// It is known by its address and proves nothing.
    Address,
    /// It is a port to the exchange.
    Port,
    /// The PBX calls it a gateway.
    Gateway,
}

impl Sign {
    /// In English, of the endpoint.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Context => "its context takes calls from outside",
            Self::Registration => "the PBX registers itself with it",
            Self::Login => "the PBX logs in to it (outbound_auth)",
            Self::Address => "it is known by its address (identify)",
            Self::Port => "it is a port to the exchange",
            Self::Gateway => "it is a gateway",
        }
    }
}

/// A phone or trunk the PBX knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Its name, as inputs give it (`PJSIP/1001-101`).
    pub name: &'a str,
    /// Whether it is registered or answers, as of now; `None` where this does not say.
    pub is_reachable: Option<bool>,
    /// What shows that it is a provider's line, if this does.
    pub sign: Option<Sign>,
    /// Where its calls come in, in the PBX's words; empty where this does not say.
    pub context: &'a str,
    /// The number the PBX gives the endpoint itself, whatever its name; empty where this does not say.
    pub number: &'a str,
}

impl<'a> Endpoint<'a> {
    /// One of which nothing is known but its name.
    pub const fn named(name: &'a str) -> Self {
        Self { name, is_reachable: None, sign: None, context: "", number: "" }
    }
}

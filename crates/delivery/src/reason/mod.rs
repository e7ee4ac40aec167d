//! Why an attempt failed, a webhook is paused, or a wish was refused: as codes with arguments.
//!
//! Errors of this crate turn into a [`Reason`] and nothing else is kept of them; [`CODES`] says which there
//! are, with their arguments and their English. Another language is the reader's own affair: the window has the
//! same codes in its texts, and a test there holds both lists equal.

mod codes;

use journal::Reason;

pub use codes::{CODES, Code, danish, english, named};

use crate::connect::{BadCa, ConnectError, Lost};
use crate::guard::{Refused, URL_MAX, UrlProblem};
use crate::policy::PAUSED_AFTER;
use crate::request::{HEADER_VALUE_MAX, HEADERS_MAX, HeaderProblem, NoRequest};
use crate::signing::BadSecret;

/// What can be told as a reason.
pub trait GivesReason {
    /// The code, with what it is about.
    fn reason(&self) -> Reason;
}

/// The English of an error is that of its reason.
macro_rules! told_by_reason {
    ($($error:ty),+ $(,)?) => {
        $(
            impl std::fmt::Display for $error {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(&$crate::reason::english(&$crate::reason::GivesReason::reason(self)))
                }
            }

            impl std::error::Error for $error {}
        )+
    };
}

pub(crate) use told_by_reason;

told_by_reason!(
    Wrong,
    WhyPaused,
    ConnectError,
    Lost,
    BadCa,
    UrlProblem,
    Refused,
    NoRequest,
    HeaderProblem,
    BadSecret,
);

/// Why an attempt did not come through.
#[derive(Debug)]
pub enum Wrong {
    /// The settings make no request.
    Request(NoRequest),
    /// The account's CA is not usable.
    Ca(BadCa),
    /// There was no connection.
    Connect(ConnectError),
    /// The connection broke before an answer.
    NoAnswer(Lost),
    /// The time was up.
    TooLate,
    /// 410.
    Gone,
    /// Any 3xx.
    Redirect(u16),
    /// Any other refusal.
    Status(u16),
    /// There was nothing to send any more.
    Forgotten,
    /// What made the request died: a fault of Ringbud's.
    OwnFault,
}

impl From<NoRequest> for Wrong {
    fn from(error: NoRequest) -> Self {
        Self::Request(error)
    }
}

impl From<BadCa> for Wrong {
    fn from(error: BadCa) -> Self {
        Self::Ca(error)
    }
}

impl From<ConnectError> for Wrong {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl GivesReason for Wrong {
    fn reason(&self) -> Reason {
        match self {
            Self::Request(error) => error.reason(),
            Self::Ca(error) => error.reason(),
            Self::Connect(error) => error.reason(),
            Self::NoAnswer(lost) => lost.reason(),
            Self::TooLate => Reason::new("answer_timeout"),
            Self::Gone => Reason::new("gone"),
            Self::Redirect(status) => Reason::new("redirect").with("status", status),
            Self::Status(status) => Reason::status(*status),
            Self::Forgotten => Reason::new("event_forgotten"),
            Self::OwnFault => Reason::new("own_fault"),
        }
    }
}

/// Why a webhook is paused, as its settings say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyPaused {
    /// 410.
    Gone,
    /// It has failed for [`PAUSED_AFTER`].
    Failing,
    /// Somebody wanted it.
    ByHand,
}

impl GivesReason for WhyPaused {
    fn reason(&self) -> Reason {
        match self {
            Self::Gone => Reason::new("paused_gone"),
            Self::Failing => {
                Reason::new("paused_failing").with("days", PAUSED_AFTER.as_secs() / (24 * 3_600))
            }
            Self::ByHand => Reason::new("paused_by_hand"),
        }
    }
}

impl GivesReason for ConnectError {
    fn reason(&self) -> Reason {
        match self {
            Self::NoSuchName { host, why } => {
                Reason::new("name_not_found").with("host", host).with("why", why)
            }
            Self::NoAddress { host } => Reason::new("name_without_address").with("host", host),
            Self::Refused(refused) => refused.reason(),
            Self::Rejected { address } => Reason::new("connection_refused").with("address", address),
            Self::Unanswered { address } => Reason::new("connection_unanswered").with("address", address),
            Self::Unreachable { address } => Reason::new("address_unreachable").with("address", address),
            Self::NotConnected { address, why } => {
                Reason::new("connection_failed").with("address", address).with("why", why)
            }
            Self::Certificate { host, address, fault } => {
                Reason::new(fault.code()).with("host", host).with("address", address)
            }
            Self::Tls { host, address, why } => {
                Reason::new("tls_failed").with("host", host).with("address", address).with("why", why)
            }
            Self::TimedOut { host, limit } => {
                Reason::new("connection_timeout").with("host", host).with("secs", limit.as_secs_f32())
            }
        }
    }
}

impl GivesReason for Lost {
    fn reason(&self) -> Reason {
        match self {
            Self::Closed => Reason::new("answer_cut_off"),
            Self::Reset => Reason::new("connection_reset"),
            Self::Unreadable(why) => Reason::new("answer_unreadable").with("why", why),
            Self::Other(why) => Reason::new("no_answer").with("why", why),
        }
    }
}

impl GivesReason for Refused {
    fn reason(&self) -> Reason {
        Reason::new("address_refused").with("address", self.address).with("range", self.why.name())
    }
}

impl GivesReason for NoRequest {
    fn reason(&self) -> Reason {
        match self {
            Self::SwitchedOff => Reason::new("switched_off"),
            Self::Url(problem) => problem.reason(),
            Self::Secret(problem) => problem.reason(),
            Self::Header(problem) => problem.reason(),
        }
    }
}

impl GivesReason for UrlProblem {
    fn reason(&self) -> Reason {
        match self {
            Self::Blank => Reason::new("url_blank"),
            Self::TooLong(bytes) => Reason::new("url_too_long").with("bytes", bytes).with("most", URL_MAX),
            Self::Scheme => Reason::new("url_scheme"),
            Self::NoHost => Reason::new("url_without_host"),
            Self::Credentials => Reason::new("url_credentials"),
            Self::PortZero => Reason::new("url_port_zero"),
            Self::PlaceholderInHost => Reason::new("url_placeholder_in_host"),
            Self::Placeholder(name) => Reason::new("url_placeholder_unknown").with("name", name),
            Self::Address(refused) => refused.reason(),
            Self::Form(why) => Reason::new("url_unreadable").with("why", why),
        }
    }
}

impl GivesReason for BadSecret {
    fn reason(&self) -> Reason {
        match self {
            Self::NotBase64 => Reason::new("secret_not_base64"),
            Self::Length(bytes) => Reason::new("secret_length").with("bytes", bytes),
        }
    }
}

impl GivesReason for HeaderProblem {
    fn reason(&self) -> Reason {
        match self {
            Self::Name(name) => Reason::new("header_name").with("name", format!("{name:?}")),
            Self::Reserved(name) => Reason::new("header_reserved").with("name", name),
            Self::Value(name) => {
                Reason::new("header_value").with("name", name).with("most", HEADER_VALUE_MAX)
            }
            Self::TooMany(count) => {
                Reason::new("headers_too_many").with("count", count).with("most", HEADERS_MAX)
            }
        }
    }
}

impl GivesReason for BadCa {
    fn reason(&self) -> Reason {
        match self {
            Self::Empty => Reason::new("ca_empty"),
            Self::TooLong(bytes) => {
                Reason::new("ca_too_long").with("bytes", bytes).with("most", crate::connect::CA_PEM_MAX)
            }
            Self::Unreadable(why) => Reason::new("ca_unreadable").with("why", why),
        }
    }
}

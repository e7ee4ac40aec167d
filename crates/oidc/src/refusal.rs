//! Why somebody is not logged in.

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{ClaimsVerificationError, DiscoveryError, RequestTokenError, StandardErrorResponse};

use crate::asking::AskError;

/// Why a login through the provider came to nothing. Its words are for the log: they have no token, no code
/// and nothing a browser could have put there unbounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The provider cannot be reached, or has no answer.
    #[error("the OpenID provider cannot be reached: {0}")]
    Unreachable(String),
    /// What it answered cannot be understood or must not be trusted.
    #[error("the OpenID provider's answer cannot be used: {0}")]
    Untrusted(String),
    /// The provider says no: to the person, or to us.
    #[error("the OpenID provider refused: {0}")]
    Denied(String),
    /// A login that was not begun here, by this browser, a moment ago; or that was finished already.
    #[error("the login was not begun by this browser, took too long, or is finished already")]
    Stale,
    /// Too many at once.
    #[error("too many people log in at once")]
    Busy,
}

/// A reason is cut at so many characters.
const MAX_CHARS: usize = 300;

/// Text of others, for our log: short and without control characters.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}

impl Refusal {
    pub(crate) fn untrusted(why: impl AsRef<str>) -> Self {
        Self::Untrusted(plain(why.as_ref()))
    }
}

impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Fetch(error) => Self::Unreachable(plain(&error.to_string())),
            AskError::NotEncrypted { .. } => Self::untrusted(error.to_string()),
        }
    }
}

impl From<DiscoveryError<AskError>> for Refusal {
    fn from(error: DiscoveryError<AskError>) -> Self {
        match error {
            DiscoveryError::Request(error) => error.into(),
            DiscoveryError::Response(status, _, why) if status.is_server_error() => {
                Self::Unreachable(plain(&why))
            }
            DiscoveryError::Response(_, _, why) => Self::untrusted(why),
            DiscoveryError::Parse(error) => Self::untrusted(format!("what it says of itself: {error}")),
            other => Self::untrusted(other.to_string()),
        }
    }
}

type CodeError = RequestTokenError<AskError, StandardErrorResponse<CoreErrorResponseType>>;

impl From<CodeError> for Refusal {
    fn from(error: CodeError) -> Self {
        match error {
            RequestTokenError::Request(error) => error.into(),
            RequestTokenError::ServerResponse(answer) => Self::Denied(plain(answer.error().as_ref())),
            // Not the words of the error: they may have a part of a token in them.
            RequestTokenError::Parse(error, _) => {
                Self::untrusted(format!("the answer to the code, at {}", error.path()))
            }
            RequestTokenError::Other(why) => Self::untrusted(why),
        }
    }
}

impl From<ClaimsVerificationError> for Refusal {
    fn from(error: ClaimsVerificationError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self::untrusted(format!("its ID token: {error}{}", cause.unwrap_or_default()))
    }
}

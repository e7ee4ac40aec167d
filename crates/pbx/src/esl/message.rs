//! What comes over the event socket: messages, and what is none.

/// The longest block of headers that is read; FreeSWITCH writes two or three lines.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;
/// The longest event that is read. A call's are 3 to 15 KB.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// The longest answer that is read: a list of 16,000 channels, `uuid_dump` of one.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// What a message is, by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// FreeSWITCH asks for the password: the first thing it says.
    AuthRequest,
    /// It closes the connection without asking for the password: the address is on no list of
    /// `apply-inbound-acl`.
    Refused,
    /// The answer to a command; it is in the header `Reply-Text`.
    Reply,
    /// The answer to an `api` command; it is the body.
    Answer,
    /// An event as lines of names and values.
    Plain,
    /// An event as JSON.
    Json,
    /// FreeSWITCH ends the link: it closes the connection at once (`Content-Disposition: disconnect`), or later
    /// (`linger`).
    Disconnect,
    /// Something else: a line of its log, an event as XML.
    Other,
}

impl Kind {
    pub(super) fn of(content_type: &[u8]) -> Self {
        match content_type {
            b"auth/request" => Self::AuthRequest,
            b"text/rude-rejection" => Self::Refused,
            b"command/reply" => Self::Reply,
            b"api/response" => Self::Answer,
            b"text/event-plain" => Self::Plain,
            b"text/event-json" => Self::Json,
            b"text/disconnect-notice" => Self::Disconnect,
            _ => Self::Other,
        }
    }

    pub(super) const fn max_body_bytes(self) -> usize {
        match self {
            Self::Answer => MAX_ANSWER_BYTES,
            _ => MAX_EVENT_BYTES,
        }
    }
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// The header `Reply-Text`; empty where there is none.
    pub reply: &'a [u8],
    /// What follows the headers.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, reply, body } = self;
        write!(f, "{kind:?} {:?} {:?}", String::from_utf8_lossy(reply), String::from_utf8_lossy(body))
    }
}

/// Something that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A message.
    Message(Message<'a>),
    /// Something that is none; it was skipped.
    Malformed(Malformed),
}

/// What was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A block of headers longer than [`MAX_HEADER_BYTES`].
    #[error("a block of headers of the PBX is longer than {MAX_HEADER_BYTES} bytes; it was skipped")]
    HeadersTooLong,
    /// A block of headers that does not say what it is.
    #[error("a block of headers of the PBX has no Content-Type; it was skipped")]
    NoType,
    /// A `Content-Length` that is no number: where the message ends is not known.
    #[error("a Content-Length of the PBX is no number; what follows was skipped up to the next message")]
    BadLength,
    /// A body longer than what is read of its kind.
    #[error("a message of the PBX has a body of {bytes} bytes, more than is read; it was skipped")]
    BodyTooLong {
        /// Its length.
        bytes: u64,
    },
}

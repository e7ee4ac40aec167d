//! The head of an answer: its status, how its body ends, whether the connection goes on.
//!
//! Only the headers that are used are taken up, and none is copied. What is taken and what is refused is what
//! hyper takes and refuses; a test feeds both the same bytes.

use std::mem::MaybeUninit;
use std::time::Duration;

use httparse::{Header, ParserConfig, Status};

use super::body::Body;

/// Headers of an answer; one with more is refused.
const HEADERS_MAX: usize = 100;

/// A head that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// How its body ends; nothing for a head before the answer's own (1xx).
    pub(super) body: Option<Body>,
    /// Whether another request may follow the answer.
    pub(super) keep_alive: bool,
    /// How long the receiver keeps the connection, if it says so.
    pub(super) kept_for: Option<Duration>,
    /// `Retry-After`, as it stands there.
    pub(super) retry_after: Option<Box<str>>,
}

/// Reads a head from the beginning of some bytes, with how long it is; nothing if it is not all there.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(usize, Head)>, &'static str> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parser = ParserConfig::default();
    let len = match parser.parse_response_with_uninit_headers(&mut response, bytes, &mut headers) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(in_words(error)),
    };
    let status = response.code.filter(|code| (100..=999).contains(code)).ok_or("it has no status")?;
    let is_1_1 = response.version == Some(1);
    let found = Found::of(response.headers, is_1_1);
    let body = found.body(status, is_1_1)?;
    let Found { keep_alive, kept_for, retry_after, .. } = found;
    // What ends with the connection leaves none; nor does one that speaks another protocol now.
    let keep_alive = keep_alive && status != 101 && body != Some(Body::UntilClosed);
    let retry_after = retry_after.map(Into::into);
    Ok(Some((len, Head { status, body, keep_alive, kept_for, retry_after })))
}

fn in_words(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "a header's name is none",
        httparse::Error::HeaderValue => "a header's value is none",
        httparse::Error::NewLine => "a line does not end as it should",
        httparse::Error::Status => "its status is none",
        httparse::Error::Token => "it does not begin as an answer does",
        httparse::Error::TooManyHeaders => "it has more than 100 headers",
        httparse::Error::Version => "it is not HTTP/1",
    }
}

/// The headers that matter.
#[derive(Default)]
struct Found<'a> {
    /// The last `Transfer-Encoding`.
    encoding: Option<&'a str>,
    length: Length,
    keep_alive: bool,
    kept_for: Option<Duration>,
    retry_after: Option<&'a str>,
}

/// What `Content-Length` says, in however many headers.
#[derive(Clone, Copy, Default)]
enum Length {
    #[default]
    Unsaid,
    Said(u64),
    Wrong,
}

impl<'a> Found<'a> {
    fn of(headers: &[Header<'a>], is_1_1: bool) -> Self {
        let mut found = Self { keep_alive: is_1_1, ..Self::default() };
        let mut closes = false;
        for Header { name, value } in headers {
            // Most have another length than each of these.
            match name.len() {
                10 if name.eq_ignore_ascii_case("connection") => {
                    closes |= lists(value, "close");
                    found.keep_alive |= lists(value, "keep-alive");
                }
                10 if name.eq_ignore_ascii_case("keep-alive") => found.kept_for = timeout(value),
                11 if name.eq_ignore_ascii_case("retry-after") && found.retry_after.is_none() => {
                    found.retry_after = text(value);
                }
                14 if name.eq_ignore_ascii_case("content-length") => found.length = found.length.and(value),
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    found.encoding = Some(text(value).unwrap_or_default())
                }
                _ => {}
            }
        }
        found.keep_alive &= !closes;
        found
    }

    fn body(&self, status: u16, is_1_1: bool) -> Result<Option<Body>, &'static str> {
        match status {
            100 | 102..=199 => return Ok(None),
            101 | 204 | 304 => return Ok(Some(Body::Length(0))),
            _ => {}
        }
        if let Some(encoding) = self.encoding {
            if !is_1_1 {
                return Err("HTTP/1.0 has no Transfer-Encoding");
            }
            let last = encoding.rsplit(',').next().unwrap_or_default();
            let chunked = last.trim().eq_ignore_ascii_case("chunked");
            return Ok(Some(if chunked { Body::chunked() } else { Body::UntilClosed }));
        }
        match self.length {
            Length::Said(length) => Ok(Some(Body::Length(length))),
            Length::Wrong => Err("its Content-Length is none"),
            Length::Unsaid => Ok(Some(Body::UntilClosed)),
        }
    }
}

impl Length {
    /// With one more header: all have to say the same.
    fn and(self, value: &[u8]) -> Self {
        let Some(value) = text(value) else { return Self::Wrong };
        value.split(',').fold(self, |length, part| match (length, digits(part.trim().as_bytes())) {
            (Self::Unsaid, Some(said)) => Self::Said(said),
            (Self::Said(before), Some(said)) if before == said => length,
            _ => Self::Wrong,
        })
    }
}

/// A value without anything odd in it.
fn text(value: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| (b' '..127).contains(byte) || *byte == b'\t';
    if value.iter().all(is_plain) { std::str::from_utf8(value).ok() } else { None }
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter()
        .try_fold(0_u64, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        })
        // The largest two mean something else to hyper; nobody sends so much.
        .filter(|length| *length < u64::MAX - 1)
}

fn lists(value: &[u8], word: &str) -> bool {
    let lists = |value: &str| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word));
    text(value).is_some_and(lists)
}

/// The `timeout` of a `Keep-Alive`.
fn timeout(value: &[u8]) -> Option<Duration> {
    let timeout = text(value)?.split(',').find_map(|part| part.trim().strip_prefix("timeout="))?;
    timeout.trim().parse().ok().map(Duration::from_secs)
}

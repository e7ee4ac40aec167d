//! An attempt at rest.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Unreadable, Whole, pack, unpack};
use crate::reason::kept;
use crate::{Attempt, Headers, Reason, WallTime};

const VERSION: u8 = 2;
/// With a list of headers instead of their text.
const VERSION_1: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    at: i64,
    took_micros: u64,
    address: &'a str,
    request_line: &'a str,
    /// A line each.
    request_headers: &'a str,
    #[serde(borrow)]
    request_body: Whole<'a>,
    status: Option<u16>,
    /// As [`Reason::to_kept`] writes it, or a sentence from before there were reasons.
    reason: &'a str,
    #[serde(borrow)]
    response_body: Whole<'a>,
}

pub(crate) fn write(attempt: &Attempt) -> Vec<u8> {
    let shape = Shape {
        at: attempt.at.0,
        took_micros: attempt.took_micros,
        address: &attempt.address,
        request_line: &attempt.request_line,
        request_headers: attempt.request_headers.as_text(),
        request_body: Whole(&attempt.request_body),
        status: attempt.status,
        reason: &kept(attempt.reason.as_ref()),
        response_body: Whole(&attempt.response_body),
    };
    pack(VERSION, &shape)
}

/// The head and the tail are those of [`Shape`].
#[derive(Serialize, Deserialize)]
struct Shape1<'a> {
    at: i64,
    took_micros: u64,
    address: &'a str,
    request_line: &'a str,
    #[serde(borrow)]
    request_headers: Vec<(&'a str, &'a str)>,
    request_body: &'a [u8],
    status: Option<u16>,
    /// As [`Reason::to_kept`] writes it, or a sentence from before there were reasons.
    reason: &'a str,
    response_body: &'a [u8],
}

pub(crate) fn read(number: u16, packed: &[u8]) -> Result<Attempt, Unreadable> {
    if packed.first() == Some(&VERSION_1) {
        return read_1(number, packed);
    }
    let shape: Shape<'_> = unpack("attempt", VERSION, packed)?;
    Ok(attempt(number, &shape))
}

fn read_1(number: u16, packed: &[u8]) -> Result<Attempt, Unreadable> {
    let Shape1 {
        at,
        took_micros,
        address,
        request_line,
        request_headers,
        request_body,
        status,
        reason,
        response_body,
    } = unpack("attempt", VERSION_1, packed)?;
    let headers: Headers = request_headers.into_iter().collect();
    let request_headers = headers.as_text();
    let shape = Shape {
        at,
        took_micros,
        address,
        request_line,
        request_headers,
        request_body: Whole(request_body),
        status,
        reason,
        response_body: Whole(response_body),
    };
    Ok(attempt(number, &shape))
}

fn attempt(number: u16, shape: &Shape<'_>) -> Attempt {
    Attempt {
        number,
        at: WallTime(shape.at),
        took_micros: shape.took_micros,
        address: shape.address.to_owned(),
        request_line: shape.request_line.to_owned(),
        request_headers: Headers::from_text(shape.request_headers),
        request_body: Bytes::copy_from_slice(shape.request_body.0),
        status: shape.status,
        reason: Reason::from_kept(shape.reason),
        response_body: shape.response_body.0.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_comes_back_as_it_was_and_so_does_an_older_one() {
        let kept = Attempt {
            number: 3,
            at: WallTime(7),
            took_micros: 41,
            address: "192.0.2.1:443".to_owned(),
            request_line: "POST /ring".to_owned(),
            request_headers: [("host", "crm.example"), ("x-note", "a: b")].into_iter().collect(),
            request_body: Bytes::from_static(b"A=1"),
            status: Some(500),
            reason: Some(Reason::status(500)),
            response_body: b"oops".to_vec(),
        };
        assert_eq!(read(3, &write(&kept)).unwrap(), kept);
        let older = Shape1 {
            at: 7,
            took_micros: 41,
            address: "192.0.2.1:443",
            request_line: "POST /ring",
            request_headers: kept.request_headers.iter().collect(),
            request_body: b"A=1",
            status: Some(500),
            reason: &kept.reason.as_ref().map(Reason::to_kept).unwrap(),
            response_body: b"oops",
        };
        assert_eq!(read(3, &pack(VERSION_1, &older)).unwrap(), kept);
    }
}

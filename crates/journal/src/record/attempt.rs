//! An attempt at rest.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Unreadable, pack, unpack};
use crate::{Attempt, Headers, WallTime};

const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    at: i64,
    took_micros: u64,
    address: &'a str,
    request_line: &'a str,
    /// A line each.
    request_headers: &'a str,
    request_body: &'a [u8],
    status: Option<u16>,
    error: &'a str,
    response_body: &'a [u8],
}

pub(crate) fn write(attempt: &Attempt) -> Vec<u8> {
    let shape = Shape {
        at: attempt.at.0,
        took_micros: attempt.took_micros,
        address: &attempt.address,
        request_line: &attempt.request_line,
        request_headers: attempt.request_headers.as_text(),
        request_body: &attempt.request_body,
        status: attempt.status,
        error: &attempt.error,
        response_body: &attempt.response_body,
    };
    pack(VERSION, &shape)
}

pub(crate) fn read(number: u16, packed: &[u8]) -> Result<Attempt, Unreadable> {
    let shape: Shape<'_> = unpack("attempt", VERSION, packed)?;
    Ok(Attempt {
        number,
        at: WallTime(shape.at),
        took_micros: shape.took_micros,
        address: shape.address.to_owned(),
        request_line: shape.request_line.to_owned(),
        request_headers: Headers::from_text(shape.request_headers),
        request_body: Bytes::copy_from_slice(shape.request_body),
        status: shape.status,
        error: shape.error.to_owned(),
        response_body: shape.response_body.to_vec(),
    })
}

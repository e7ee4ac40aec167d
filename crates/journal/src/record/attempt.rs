//! An attempt at rest.

use serde::{Deserialize, Serialize};

use super::{Unreadable, pack, unpack};
use crate::{Attempt, WallTime};

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    at: i64,
    took_micros: u64,
    address: &'a str,
    request_line: &'a str,
    #[serde(borrow)]
    request_headers: Vec<(&'a str, &'a str)>,
    request_body: &'a [u8],
    status: Option<u16>,
    error: &'a str,
    response_body: &'a [u8],
}

pub(crate) fn write(attempt: &Attempt) -> Vec<u8> {
    let headers = attempt.request_headers.iter();
    let shape = Shape {
        at: attempt.at.0,
        took_micros: attempt.took_micros,
        address: &attempt.address,
        request_line: &attempt.request_line,
        request_headers: headers.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        request_body: &attempt.request_body,
        status: attempt.status,
        error: &attempt.error,
        response_body: &attempt.response_body,
    };
    pack(VERSION, &shape)
}

pub(crate) fn read(number: u16, packed: &[u8]) -> Result<Attempt, Unreadable> {
    let shape: Shape<'_> = unpack("attempt", VERSION, packed)?;
    let headers = shape.request_headers.into_iter();
    Ok(Attempt {
        number,
        at: WallTime(shape.at),
        took_micros: shape.took_micros,
        address: shape.address.to_owned(),
        request_line: shape.request_line.to_owned(),
        request_headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        request_body: shape.request_body.to_vec(),
        status: shape.status,
        error: shape.error.to_owned(),
        response_body: shape.response_body.to_vec(),
    })
}

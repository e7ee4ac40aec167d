//! Values as FreeSWITCH encodes them: as in a URL.

use std::borrow::Cow;

/// Decodes a value. What is no encoding stays as it is; bytes that are no UTF-8 are replaced.
pub(super) fn decode(raw: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'%', raw).is_none() {
        return String::from_utf8_lossy(raw);
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'%', rest) {
        bytes.extend_from_slice(&rest[..at]);
        let (byte, length) = match rest.get(at + 1..at + 3).and_then(hex) {
            Some(byte) => (byte, 3),
            None => (b'%', 1),
        };
        bytes.push(byte);
        rest = &rest[at + length..];
    }
    bytes.extend_from_slice(rest);
    Cow::Owned(
        String::from_utf8(bytes)
            .unwrap_or_else(|wrong| String::from_utf8_lossy(wrong.as_bytes()).into_owned()),
    )
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |digit: u8| (digit as char).to_digit(16);
    u8::try_from(digit(*digits.first()?)? * 16 + digit(*digits.get(1)?)?).ok()
}

/// Encodes a value so that it fits on a line and [`decode`] gives it back.
pub(super) fn encode(value: &str, out: &mut Vec<u8>) {
    for byte in value.bytes() {
        match byte {
            b'%' | 0..=0x1f | 0x7f => {
                out.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_decoded_once_and_what_is_no_encoding_stays() {
        for (raw, value) in [
            ("+49%20x", "+49 x"),
            ("%2B4917", "+4917"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%2541", "%41"),
            ("", ""),
            ("J%C3%B8rgen", "Jørgen"),
        ] {
            assert_eq!(decode(raw.as_bytes()), value);
        }
        assert_eq!(decode(b"J\xf8rgen %F8"), "J\u{fffd}rgen \u{fffd}");
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        for value in ["", "a b", "100%", "%2B", "a\nb\r\0", "Jørgen"] {
            let mut raw = Vec::new();
            encode(value, &mut raw);
            assert_eq!(decode(&raw), value);
        }
    }
}

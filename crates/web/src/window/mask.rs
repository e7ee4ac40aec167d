//! A form's secret as a page shows it: another text on every page, so that the length of a compressed page tells
//! nothing of it (BREACH). What comes back is unmasked before it is compared.

use std::fmt::Write as _;

/// So many characters are the pad; as many bytes of the secret can be masked.
const PAD: usize = 43;

/// The secret under a fresh pad; empty where the system has no random bytes, and then no form works.
pub(crate) fn masked(secret: &str) -> String {
    let Ok(pad) = admin::random_text() else { return String::new() };
    let mut text = pad.clone();
    for (byte, over) in secret.bytes().zip(pad.bytes()) {
        let _ = write!(text, "{:02x}", byte ^ over);
    }
    text
}

/// What was masked.
pub(crate) fn unmasked(text: &str) -> Vec<u8> {
    let Some((pad, hidden)) = text.split_at_checked(PAD) else { return Vec::new() };
    let pairs = hidden.as_bytes().chunks(2).zip(pad.bytes());
    let byte = |(pair, over): (&[u8], u8)| {
        let digits = std::str::from_utf8(pair).ok()?;
        Some(u8::from_str_radix(digits, 16).ok()? ^ over)
    };
    pairs.map(byte).collect::<Option<Vec<u8>>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_looks_different_each_time_and_is_the_same() {
        let secret = admin::random_text().unwrap();
        let (one, other) = (masked(&secret), masked(&secret));
        assert_ne!(one, other);
        assert_eq!(
            (unmasked(&one), unmasked(&other)),
            (secret.as_bytes().to_vec(), secret.as_bytes().to_vec())
        );
        for wrong in
            ["", "short", &one[1..], &format!("{}zz", &one[..one.len() - 2]), "ååååååååååååååååååååååååå"]
        {
            assert_ne!(unmasked(wrong), secret.as_bytes(), "{wrong}");
        }
    }
}

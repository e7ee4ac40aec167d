//! Whether a number may be shown, as the PBX says it.

use std::sync::LazyLock;

use calls::Presentation;
use memchr::memmem::Finder;

use super::message::Message;

/// `Pres…` or `…pres`.
static PRES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"res"));

/// Whether a message may say what may be shown: few do, and every event of a channel is asked.
pub(super) fn says_presentation(message: &Message<'_>) -> bool {
    PRES.find(message.text().as_bytes()).is_some()
}

/// Whether the number of the channel whose headers begin so may be shown, and the number of whom it is connected
/// with, as far as the message says: by a header of its own (`CID-CallingPres`, `CallerIDNumPres`), or by a variable
/// that the PBX was told to add (`channelvars = CALLERID(num-pres)` in manager.conf).
pub(super) fn presentation(message: &Message<'_>, prefix: &str) -> (Presentation, Presentation) {
    let mut found = (Presentation::Unsaid, Presentation::Unsaid);
    let text = message.text();
    // Where Asterisk writes it.
    if let (true, Some(value)) = (prefix.is_empty(), message.among_last(1, "CID-CallingPres")) {
        return (presented(value), Presentation::Unsaid);
    }
    for at in PRES.find_iter(text.as_bytes()) {
        let start = memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |end| end + 1);
        let line = text[start..].split(['\r', '\n']).next().unwrap_or_default();
        let Some((name, value)) = line.strip_prefix(prefix).and_then(|line| line.split_once(':')) else {
            continue;
        };
        let (name, value) = match name {
            "Variable" | "ChanVariable" => value.split_once('=').unwrap_or_default(),
            _ => (name, value),
        };
        let (name, value) = (name.trim_start(), value.trim_start());
        if !name.contains("Pres") && !name.contains("pres") {
            continue;
        }
        if name.starts_with("Connected") || name.starts_with("CONNECTED") {
            found.1 = presented(value);
        } else if ["CID-", "CallerID", "Calling", "CALLERID"].iter().any(|known| name.starts_with(known)) {
            found.0 = presented(value);
        }
    }
    found
}

/// `35 (Presentation Prohibited, Network Number)`, or a word as `prohib_not_screened`. The octet is that of
/// Q.931: 32 to 35 prohibited, 64 to 67 no number there.
fn presented(value: &str) -> Presentation {
    let code = value.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
    match code.parse::<u8>() {
        Ok(code) if code & 0x60 != 0 => Presentation::Withheld,
        Ok(_) => Presentation::Allowed,
        Err(_) => {
            let word = value.to_ascii_lowercase();
            match ["prohib", "unavail", "restrict"].iter().any(|no| word.contains(no)) {
                true => Presentation::Withheld,
                false if word.contains("allow") => Presentation::Allowed,
                false => Presentation::Unsaid,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presentation_is_read_from_its_octet_or_its_word() {
        for withheld in
            ["35 (Presentation Prohibited, Network Number)", "32", "67 (Unavailable)", "prohib_not_screened"]
        {
            assert_eq!(presented(withheld), Presentation::Withheld, "{withheld}");
        }
        for allowed in ["0 (Presentation Allowed, Not Screened)", "3", "allowed_passed_screen"] {
            assert_eq!(presented(allowed), Presentation::Allowed, "{allowed}");
        }
        assert_eq!(presented("?"), Presentation::Unsaid);
    }
}

//! Numbers as Asterisk writes them, and what is no number.

use std::sync::LazyLock;

use calls::Presentation;
use memchr::memmem::Finder;

use super::message::Message;

/// A number as the PBX presents it; empty when withheld. Letters that name an endpoint or a SIP user stay.
pub(super) fn number_of(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+') => text,
        _ if is_withheld(text) => "",
        Some(_) | None => text,
    }
}

/// Whether a text in a number's place is nobody's: what Asterisk writes for nothing, an anonymous URI
/// (RFC 3323), or a word for a withheld number in a provider's language. Every word of it has to be one.
fn is_withheld(text: &str) -> bool {
    const WORDS: [&str; 103] = [
        "anonymous",
        "anonym",
        "anonyme",
        "anonymus",
        "anonimo",
        "anónimo",
        "anônimo",
        "anonimowy",
        "anoniem",
        "anonyymi",
        "asterisk",
        "freepbx",
        "unknown",
        "unavailable",
        "unavail",
        "available",
        "private",
        "privat",
        "privé",
        "prive",
        "privado",
        "privato",
        "prywatny",
        "restricted",
        "withheld",
        "blocked",
        "hidden",
        "invalid",
        "noname",
        "none",
        "null",
        "nobody",
        "unidentified",
        "suppressed",
        "clir",
        "unbekannt",
        "unterdrückt",
        "unterdrueckt",
        "verborgen",
        "geheim",
        "onbekend",
        "afgeschermd",
        "inconnu",
        "masqué",
        "masque",
        "caché",
        "cache",
        "desconocido",
        "oculto",
        "sconosciuto",
        "nascosto",
        "desconhecido",
        "nieznany",
        "zastrzeżony",
        "zastrzezony",
        "skjult",
        "ukendt",
        "hemmeligt",
        "hemmelig",
        "ukjent",
        "hemligt",
        "hemlig",
        "okänt",
        "okant",
        "dolt",
        "tuntematon",
        "salainen",
        "неизвестно",
        "nocallerid",
        "nonumber",
        "secret",
        "confidential",
        "confidencial",
        "outofarea",
        "area",
        "provided",
        "presented",
        "allowed",
        "disponible",
        "indisponible",
        "verfügbar",
        "verfuegbar",
        "riservato",
        "intet",
        "udeladt",
        "skyddat",
        "yksityinen",
        "brak",
        "neznámé",
        "neznáme",
        "skryté",
        "utajeno",
        "ismeretlen",
        "rejtett",
        "gizli",
        "bilinmeyen",
        "неизвестный",
        "скрыт",
        "скрытый",
        "аноним",
        "анонимный",
        "приватный",
        "sin",
    ];
    const FILLERS: [&str; 37] = [
        "number",
        "caller",
        "call",
        "id",
        "callerid",
        "no",
        "not",
        "user",
        "name",
        "nummer",
        "numéro",
        "numero",
        "número",
        "rufnummer",
        "anrufer",
        "appel",
        "sip",
        "sips",
        "tel",
        "is",
        "cli",
        "clid",
        "ani",
        "out",
        "of",
        "nicht",
        "non",
        "numeru",
        "číslo",
        "cislo",
        "szám",
        "номер",
        "abonné",
        "the",
        "from",
        "party",
        "subscriber",
    ];
    if is_nothing(text) {
        return true;
    }
    let user = text.trim_matches(['<', '>', '"']);
    let user = user.split_once('@').map_or(user, |(user, _)| user);
    let mut words = user.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let has = |list: &[&str], word: &str| {
        let word = word.to_lowercase();
        list.iter().any(|known| *known == word)
    };
    // "No caller ID" has no word of its own.
    let mut first_two = words.clone();
    let says_no =
        first_two.next().is_some_and(|word| word.eq_ignore_ascii_case("no")) && first_two.next().is_some();
    let is_word = says_no || words.clone().any(|word| has(&WORDS, word));
    is_word && words.all(|word| has(&WORDS, word) || has(&FILLERS, word))
}

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

/// An extension that somebody dialled. Single letters are Asterisk's own (`s` start, `h` hang-up, `i`, `t` …).
pub(super) fn dialled(extension: &str) -> &str {
    match extension.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => "",
        [b'<', ..] if is_nothing(extension) => "",
        _ => extension,
    }
}

/// Where a phone forwards a call to: `102`, `Local/102@internal`, `PJSIP/sip:102@10.0.0.1` are all `102`.
pub(super) fn forward(text: &str) -> &str {
    let text = text.strip_suffix("/n").unwrap_or(text);
    let text = text.rsplit_once('/').map_or(text, |(_, last)| last);
    let text = text.strip_prefix("sip:").or_else(|| text.strip_prefix("tel:")).unwrap_or(text);
    let text = text.split_once(['@', ';']).map_or(text, |(user, _)| user);
    number_of(text)
}

/// The number in what is dialled on a line: `+4570123456@provider`, `provider/sip:+4570123456@10.0.0.1`,
/// `g1/70123456`; empty where only an endpoint is named.
pub(super) fn number_on_a_line(text: &str) -> &str {
    let (user, is_address) = text.split_once('@').map_or((text, false), |(user, _)| (user, true));
    let number = match user.rsplit_once('/') {
        Some((_, last)) => last,
        None if is_address => user,
        None => "",
    };
    let number = number.strip_prefix("sip:").unwrap_or(number);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || b"+*#".contains(&byte));
    if is_number { number } else { "" }
}

pub(super) fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "<unknown>" | "<none>" | "<null>" | "(null)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withheld_number_is_empty() {
        for withheld in [
            "",
            "<unknown>",
            "anonymous",
            "Anonymous",
            "Restricted",
            "unavailable",
            "Anonyme",
            "asterisk",
            "anonymous@anonymous.invalid",
            "sip:anonymous@anonymous.invalid",
            "Unknown Number",
            "Not available",
            "numéro privé",
            "Unbekannt",
            "PRIVATE NUMBER",
            "\"Anonymous\"",
            "No Caller ID",
            "no-number",
            "OUT OF AREA",
            "CLI withheld",
            "not provided",
            "nicht verfügbar",
            "Skyddat nummer",
            "Hemmeligt nummer",
            "номер скрыт",
            "Brak numeru",
        ] {
            assert_eq!(number_of(withheld), "", "{withheld}");
        }
        for number in [
            "+4570123456",
            "anna.ash",
            "private.jones",
            "reception",
            "101",
            "asteroid",
            "no.one",
            "north.area51",
        ] {
            assert_eq!(number_of(number), number);
        }
    }

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

    #[test]
    fn extensions_of_the_dialplan_itself_were_not_dialled() {
        for own in ["", "s", "h", "i", "t", "<unknown>"] {
            assert_eq!(dialled(own), "", "{own}");
        }
        for number in ["1", "*8", "102", "+4570123456", "reception"] {
            assert_eq!(dialled(number), number);
        }
    }

    #[test]
    fn a_number_dialled_on_a_line_is_told_from_an_endpoint() {
        for text in ["+4570123456@provider", "provider/sip:+4570123456@10.0.0.1", "g1/+4570123456"] {
            assert_eq!(number_on_a_line(text), "+4570123456", "{text}");
        }
        for text in ["", "101", "1001-101", "101/sip:101-x@10.0.0.2:5060", "anna@pbx", "phone/line"] {
            assert_eq!(number_on_a_line(text), "", "{text}");
        }
    }

    #[test]
    fn a_forward_is_told_by_its_number_alone() {
        for text in
            ["102", "Local/102@internal", "102@tenant-1001", "PJSIP/sip:102@10.0.0.1;x=y", "Local/102@a/n"]
        {
            assert_eq!(forward(text), "102", "{text}");
        }
    }
}

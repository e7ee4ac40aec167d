//! Numbers as Asterisk writes them, and what is no number.

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

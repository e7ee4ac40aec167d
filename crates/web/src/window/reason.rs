//! Why something failed, in the reader's language: the sentence of a reason's code, filled in.

use admin::kept::Reason;

use super::Messages;

/// The sentence. A code this program has no sentence for (a later one wrote it) is shown as it is.
pub(crate) fn told(w: Messages, reason: &Reason) -> String {
    let Some(sentence) = w.find(&format!("why.{}", reason.code())) else { return reason.to_string() };
    let range = reason.arg("range").and_then(|range| w.find(&format!("range.{range}")));
    match range {
        Some(range) => reason.fill(&sentence.replace("{range}", range)),
        None => reason.fill(sentence),
    }
}

/// The sentence, or nothing where there is no reason.
pub(crate) fn told_if(w: Messages, reason: Option<&Reason>) -> String {
    reason.map(|reason| told(w, reason)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use delivery::reason::{CODES, GivesReason as _, RANGES, english};

    use super::super::messages::Language;
    use super::*;

    const DANISH: Messages = Messages(Language::Danish);
    const ENGLISH: Messages = Messages(Language::English);

    #[test]
    fn every_code_has_its_sentence_and_the_english_one_is_the_api_s() {
        for code in CODES {
            let key = format!("why.{}", code.name);
            assert_eq!(ENGLISH.find(&key), Some(code.english), "{key}");
            let danish = DANISH.find(&key).unwrap_or_else(|| panic!("{key} is not told in Danish"));
            let says_words = code.english.bytes().any(|byte| byte.is_ascii_lowercase());
            assert!(
                code.args == ["status"] || code.name == "text" || danish != code.english || !says_words,
                "{key}"
            );
        }
        for (name, told) in RANGES {
            let key = format!("range.{name}");
            assert_eq!(ENGLISH.find(&key), Some(*told), "{key}");
            assert!(DANISH.find(&key).is_some_and(|danish| danish != *told), "{key}");
        }
    }

    #[test]
    fn what_it_was_about_is_in_the_sentence_and_old_sentences_stay() {
        let refused =
            delivery::guard::Refused { address: [10, 0, 0, 1].into(), why: delivery::guard::Why::Private };
        for (reason, danish) in [
            (
                Reason::new("connection_refused").with("address", "192.0.2.7:443"),
                "Der er ikke forbindelse til 192.0.2.7:443: forbindelsen blev afvist",
            ),
            (
                refused.reason(),
                "10.0.0.1 er en privat adresse og afvises: er det meningen, kan en operatør skrive den på listen [outgoing] allow",
            ),
            (Reason::status(500), "HTTP 500"),
            (Reason::text("written by an older program"), "written by an older program"),
            (Reason::new("from_tomorrow").with("x", 1), "from_tomorrow x=\"1\""),
        ] {
            assert_eq!(told(DANISH, &reason), danish);
            assert_eq!(told(ENGLISH, &reason), english(&reason));
        }
        assert_eq!(told_if(DANISH, None), "");
    }
}

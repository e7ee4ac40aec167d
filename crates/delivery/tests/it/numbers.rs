//! Numbers in one form.

use calls::EventKind;
use delivery::payload::{Numbers, all_parameters, parameters};
use journal::settings::{Extras, Integration};
use proptest::prelude::*;

use crate::support::event;

fn written(country: &str, number: &str) -> String {
    Numbers::of_country(country).expect("a country").write(number).into_owned()
}

#[test]
fn numbers_of_the_network_are_e164_and_all_others_stay() {
    let danish = [
        ("70102030", "+4570102030"),
        ("70 10 20 30", "+4570102030"),
        ("+45 7010-2030", "+4570102030"),
        ("004570102030", "+4570102030"),
        ("0045 70 10 20 30", "+4570102030"),
        ("+1 (202) 555-0173", "+12025550173"),
        ("0012025550173", "+12025550173"),
        ("+4570102030", "+4570102030"),
        // Local and short ones.
        ("", ""),
        ("101", "101"),
        ("1001", "1001"),
        ("112", "112"),
        ("1813", "1813"),
        ("123456", "123456"),
        ("+112", "+112"),
        // Codes, prefixes, words, addresses, what was dialled on.
        ("*31*70102030", "*31*70102030"),
        ("*8", "*8"),
        ("0,70102030", "0,70102030"),
        ("070102030", "070102030"),
        ("anonymous", "anonymous"),
        ("PJSIP/1001", "PJSIP/1001"),
        ("sip:70102030@pbx.example", "sip:70102030@pbx.example"),
        ("70102030 ext 12", "70102030 ext 12"),
        ("7010203x", "7010203x"),
        // No numbers of anybody.
        ("00000000", "00000000"),
        ("99999999999999999999", "99999999999999999999"),
        ("+99999999999999999999", "+99999999999999999999"),
        ("+44 (0)20 7183 8750", "+44 (0)20 7183 8750"),
    ];
    for (given, expected) in danish {
        assert_eq!(written("DK", given), expected, "{given}");
    }
    let others = [
        ("GB", "020 7183 8750", "+442071838750"),
        ("US", "2025550173", "+12025550173"),
        ("US", "(202) 555-0173", "+12025550173"),
        ("US", "01180012345678", "01180012345678"),
        ("US", "+80012345678", "+80012345678"),
        ("IT", "06 6982 1234", "+390669821234"),
        ("FO", "211234", "+298211234"),
        ("FO", "21123", "21123"),
    ];
    for (country, given, expected) in others {
        assert_eq!(written(country, given), expected, "{country} {given}");
    }
}

#[test]
fn a_country_is_two_letters() {
    for none in ["", "dk", "Denmark", "XX", "DKK", "45", "D"] {
        assert!(Numbers::of_country(none).is_err(), "{none}");
    }
    assert_eq!(Numbers::of(Some("XX")).write("70102030"), "70102030");
    assert_eq!(Numbers::of(None).write("70102030"), "70102030");
}

#[test]
fn outside_numbers_are_written_so_and_local_ones_never() {
    let plain = Integration { extras: Extras::All, ..Integration::default() };
    let one_form = Integration { e164_country: Some("DK".into()), ..plain.clone() };
    for kind in EventKind::ALL {
        let mut event = event(kind, "a");
        event.dialed_number = "70102031".into();
        let (before, after) = (parameters(&event, &plain), parameters(&event, &one_form));
        let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        for ((name, given), (_, written)) in &changed {
            assert!(["BNumber", "DialedNumber"].contains(&&**name), "{kind:?} {name}");
            assert_eq!(*written, format!("+45{}", given.replace(' ', "")));
        }
        assert!(!changed.is_empty());
        assert_eq!(all_parameters(&event, &one_form), after);
    }
}

proptest! {
    #[test]
    fn no_digit_is_lost_or_made_up(number in "\\+?[0-9 ()-]{0,20}", country in "DK|SE|GB|US|IT|AR|FO|BR|MX") {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let (given, now) = (digits(&number), written(&country, &number));
        if now != number {
            prop_assert!(now.starts_with('+') && now.len() <= 16);
            // What is written ends with what was given but for what stood before it: the prefixes of countries.
            let shared = given.bytes().rev().zip(now.bytes().rev()).take_while(|(one, other)| one == other).count();
            prop_assert!(shared + 4 >= given.len(), "{number} {now}");
            prop_assert_eq!(written(&country, &now), now.clone(), "it stays what it is");
        }
    }
}

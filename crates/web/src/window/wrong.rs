//! What went wrong with a delivery, in the reader's language. The history keeps English words, and what it keeps
//! outlives the program that wrote them: they are known again by their form, which is the English text of
//! [`FORMS`]. What a form is filled with (a system's or a library's words) is told the same way if it is known.

use super::Messages;
use super::messages::Language;

const FORMS: &[&str] = &[
    "wrong.not_found",
    "wrong.refused",
    "wrong.not_connected",
    "wrong.tls",
    "wrong.no_connection",
    "wrong.no_answer",
    "wrong.too_late",
    "wrong.gone",
    "wrong.redirect",
    "wrong.forgotten",
    "wrong.off",
    "wrong.ca_empty",
    "wrong.ca_long",
    "wrong.ca_unreadable",
    "wrong.url_blank",
    "wrong.url_long",
    "wrong.url_scheme",
    "wrong.url_host",
    "wrong.url_credentials",
    "wrong.url_port",
    "wrong.url_placeholder",
    "wrong.url_form",
    "wrong.secret_base",
    "wrong.secret_length",
    "wrong.header_name",
    "wrong.header_reserved",
    "wrong.header_value",
    "wrong.header_many",
    "wrong.paused_gone",
    "wrong.paused_failing",
    "wrong.paused_hand",
    "wrong.no_integration",
    "wrong.nothing_to_test",
    "wrong.is_loopback",
    "wrong.is_unspecified",
    "wrong.is_link_local",
    "wrong.is_metadata",
    "wrong.is_private",
    "wrong.is_unique_local",
    "wrong.is_shared",
    "wrong.is_multicast",
    "wrong.is_broadcast",
    "wrong.is_documentation",
    "wrong.is_reserved",
    "wrong.why_refused",
    "wrong.why_reset",
    "wrong.why_no_route",
    "wrong.why_unreachable",
    "wrong.why_no_address",
    "wrong.why_lookup",
    "wrong.why_unknown",
    "wrong.why_closed",
    "wrong.why_certificate",
    "wrong.why_issuer",
    "wrong.why_expired",
];

/// The same in the reader's language; what is not known stays as it is.
pub(crate) fn told(w: Messages, said: &str) -> String {
    if w.0 == Language::English {
        said.to_owned()
    } else {
        translated(w, said).unwrap_or_else(|| said.to_owned())
    }
}

/// The same in another language, if it is known.
pub(crate) fn translated(w: Messages, said: &str) -> Option<String> {
    FORMS.iter().find_map(|key| {
        let filled = filled(Messages(Language::English).get(key), said)?;
        let fill = |text: String, (hole, value): (&str, &str)| text.replace(hole, &told(w, value));
        Some(filled.into_iter().fold(w.get(key).to_owned(), fill))
    })
}

/// What a form's holes are filled with; `None` if it is another form. The last hole takes all that is left.
fn filled<'a>(form: &'static str, said: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let Some((before, hole, after)) = first_hole(form) else { return (form == said).then(Vec::new) };
    let rest = said.strip_prefix(before)?;
    let next = first_hole(after).map_or(after, |(until, ..)| until);
    let at = if after.is_empty() {
        rest.len()
    } else if next == after {
        rest.rfind(next)?
    } else {
        rest.find(next)?
    };
    let (value, rest) = rest.split_at_checked(at)?;
    let mut all = vec![(hole, value)];
    all.extend(filled(after, rest)?);
    (!value.is_empty()).then_some(all)
}

/// What is before a form's first hole, the hole, and what is after it.
fn first_hole(form: &'static str) -> Option<(&'static str, &'static str, &'static str)> {
    let mut from = 0;
    loop {
        let begin = from + form.get(from..)?.find('{')?;
        let end = begin + form[begin..].find('}')? + 1;
        if form[begin + 1..end - 1].bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Some((&form[..begin], &form[begin..end], &form[end..]));
        }
        from = end;
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::time::Duration;

    use delivery::connect::{BadCa, ConnectError};
    use delivery::guard::{Refused, UrlProblem, Why};
    use delivery::request::{HeaderProblem, NoRequest};
    use delivery::sender::TrialError;
    use delivery::signing::BadSecret;
    use delivery::wrong::{WhyPaused, Wrong};

    use super::*;

    const DANISH: Messages = Messages(Language::Danish);
    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    /// One of each, by a chain that ends with the last: a variant that is new does not compile here.
    fn chain<T>(first: T, next: impl Fn(&T) -> Option<T>) -> Vec<T> {
        let mut all = vec![first];
        while let Some(one) = next(&all[all.len() - 1]) {
            all.push(one);
        }
        all
    }

    fn whys() -> Vec<Why> {
        chain(Why::Loopback, |why| match why {
            Why::Loopback => Some(Why::Unspecified),
            Why::Unspecified => Some(Why::LinkLocal),
            Why::LinkLocal => Some(Why::Metadata),
            Why::Metadata => Some(Why::Private),
            Why::Private => Some(Why::UniqueLocal),
            Why::UniqueLocal => Some(Why::SharedNat),
            Why::SharedNat => Some(Why::Multicast),
            Why::Multicast => Some(Why::Broadcast),
            Why::Broadcast => Some(Why::Documentation),
            Why::Documentation => Some(Why::Reserved),
            Why::Reserved => None,
        })
    }

    fn connecting() -> Vec<ConnectError> {
        let (host, address) = (|| "crm.example".to_owned(), SocketAddr::new(ADDRESS, 443));
        let why = || "invalid peer certificate: Expired".to_owned();
        chain(ConnectError::NotFound { host: host(), why: why() }, |error| match error {
            ConnectError::NotFound { .. } => {
                Some(ConnectError::Refused(Refused { address: ADDRESS, why: Why::Private }))
            }
            ConnectError::Refused(_) => Some(ConnectError::NotConnected { address, why: why() }),
            ConnectError::NotConnected { .. } => {
                Some(ConnectError::Tls { host: host(), address, why: why() })
            }
            ConnectError::Tls { .. } => {
                Some(ConnectError::TimedOut { host: host(), limit: Duration::from_millis(2_500) })
            }
            ConnectError::TimedOut { .. } => None,
        })
    }

    fn urls() -> Vec<UrlProblem> {
        chain(UrlProblem::Blank, |problem| match problem {
            UrlProblem::Blank => Some(UrlProblem::TooLong(9_000)),
            UrlProblem::TooLong(_) => Some(UrlProblem::Scheme),
            UrlProblem::Scheme => Some(UrlProblem::NoHost),
            UrlProblem::NoHost => Some(UrlProblem::Credentials),
            UrlProblem::Credentials => Some(UrlProblem::PortZero),
            UrlProblem::PortZero => Some(UrlProblem::PlaceholderInHost),
            UrlProblem::PlaceholderInHost => Some(UrlProblem::Form("invalid domain".to_owned())),
            UrlProblem::Form(_) => None,
        })
    }

    fn headers() -> Vec<HeaderProblem> {
        let name = || "x y".to_owned();
        chain(HeaderProblem::Name(name()), |problem| match problem {
            HeaderProblem::Name(_) => Some(HeaderProblem::Reserved(name())),
            HeaderProblem::Reserved(_) => Some(HeaderProblem::Value(name())),
            HeaderProblem::Value(_) => Some(HeaderProblem::TooMany(99)),
            HeaderProblem::TooMany(_) => None,
        })
    }

    fn requests() -> Vec<NoRequest> {
        let parts = chain(NoRequest::SwitchedOff, |error| match error {
            NoRequest::SwitchedOff => Some(UrlProblem::Blank.into()),
            NoRequest::Url(_) => Some(BadSecret::NotBase64.into()),
            NoRequest::Secret(_) => Some(HeaderProblem::TooMany(1).into()),
            NoRequest::Header(_) => None,
        });
        let secrets = chain(BadSecret::NotBase64, |error| match error {
            BadSecret::NotBase64 => Some(BadSecret::Length(3)),
            BadSecret::Length(_) => None,
        });
        let all = parts.into_iter().chain(urls().into_iter().map(NoRequest::from));
        all.chain(secrets.into_iter().map(NoRequest::from))
            .chain(headers().into_iter().map(NoRequest::from))
            .collect()
    }

    fn wrongs() -> Vec<Wrong> {
        let parts = chain(Wrong::Request(NoRequest::SwitchedOff), |wrong| match wrong {
            Wrong::Request(_) => Some(Wrong::Ca(BadCa::Empty)),
            Wrong::Ca(_) => Some(Wrong::Connect(connecting().remove(0))),
            Wrong::Connect(_) => {
                Some(Wrong::NoAnswer("connection closed before message completed".to_owned()))
            }
            Wrong::NoAnswer(_) => Some(Wrong::TooLate),
            Wrong::TooLate => Some(Wrong::Gone),
            Wrong::Gone => Some(Wrong::Redirect(302)),
            Wrong::Redirect(_) => Some(Wrong::Status(500)),
            Wrong::Status(_) => Some(Wrong::Forgotten),
            Wrong::Forgotten => None,
        });
        let cas = chain(BadCa::Empty, |error| match error {
            BadCa::Empty => Some(BadCa::TooLong(70_000)),
            BadCa::TooLong(_) => Some(BadCa::Unreadable("bad base64".to_owned())),
            BadCa::Unreadable(_) => None,
        });
        let refused = whys().into_iter().map(|why| Refused { address: ADDRESS, why }.into());
        let all = parts.into_iter().chain(requests().into_iter().map(Wrong::from));
        all.chain(cas.into_iter().map(Wrong::from))
            .chain(connecting().into_iter().chain(refused).map(Wrong::from))
            .collect()
    }

    #[test]
    fn everything_that_can_go_wrong_is_told_in_danish() {
        let paused = chain(WhyPaused::Gone, |why| match why {
            WhyPaused::Gone => Some(WhyPaused::Failing),
            WhyPaused::Failing => Some(WhyPaused::ByHand),
            WhyPaused::ByHand => None,
        });
        let trials = chain(TrialError::NoSuchIntegration, |error| match error {
            TrialError::NoSuchIntegration => Some(TrialError::NothingToTest),
            TrialError::NothingToTest => None,
        });
        let all = wrongs().into_iter().map(|wrong| wrong.to_string());
        let all =
            all.chain(paused.iter().map(ToString::to_string)).chain(trials.iter().map(ToString::to_string));
        let mut seen = 0;
        for said in all {
            // A status is the same in every language.
            if said == "HTTP 500" {
                continue;
            }
            let danish = translated(DANISH, &said).unwrap_or_else(|| panic!("not told in Danish: {said}"));
            assert_ne!(danish, said);
            assert!(!danish.contains('{') || said.contains("{…}"), "{danish}");
            assert_eq!(told(Messages(Language::English), &said), said);
            seen += 1;
        }
        assert!(seen > 45, "{seen}");
        for why in whys() {
            let refused = translated(DANISH, &Refused { address: ADDRESS, why }.to_string()).expect("told");
            assert!(!refused.contains(&why.to_string()), "the reason too: {refused}");
        }
    }

    #[test]
    fn what_it_was_about_is_in_the_sentence() {
        for (said, danish) in [
            (
                "192.0.2.7:443 cannot be connected to: Connection refused (os error 111)",
                "Der er ikke forbindelse til 192.0.2.7:443: forbindelsen blev afvist (os error 111)",
            ),
            (
                "no TLS with a: b at [2001:db8::1]:443: invalid peer certificate: Expired",
                "ingen TLS med a: b på [2001:db8::1]:443: serverens certifikat duer ikke: det er udløbet",
            ),
            ("crm.example cannot be found: something new", "crm.example kan ikke findes: something new"),
            (
                "HTTP 302: redirects are not followed",
                "HTTP 302: viderestillinger til en anden adresse følges ikke",
            ),
            ("", ""),
            ("written by an older program", "written by an older program"),
        ] {
            assert_eq!(told(DANISH, said), danish);
        }
    }
}

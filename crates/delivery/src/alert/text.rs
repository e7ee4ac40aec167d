//! What an account is told, in its language: what happened, since when, and what to do.

use std::time::Duration;

use calls::EventKind;
use jiff::tz::TimeZone;
use journal::settings::Pause;
use journal::{AccountSettings, Reason, WallTime};

use crate::reason::{danish, english};

/// Something an account is told of one of its web services.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What.
    pub what: What,
    /// The web service's address.
    pub url: String,
    /// Which events it is told.
    pub events: Vec<EventKind>,
}

/// What became of a web service.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It has failed for so long, and this is what it said last.
    Failing {
        /// How long.
        lasted: Duration,
        /// Its last words.
        said: Option<Reason>,
        /// Whether other gateways had something taken by it meanwhile.
        elsewhere: bool,
    },
    /// One that was told as failing works again.
    Works,
    /// It was paused.
    Paused(Pause),
    /// It was resumed.
    Resumed {
        /// So many events were kept.
        kept: usize,
        /// Whether they are sent.
        are_sent: bool,
    },
}

impl What {
    /// For programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Failing { .. } => "webhook.failing",
            Self::Works => "webhook.works",
            Self::Paused(_) => "webhook.paused",
            Self::Resumed { .. } => "webhook.resumed",
        }
    }
}

impl Alert {
    /// The address without its query, where people put secrets.
    pub(super) fn plain_url(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

/// In words.
pub(super) struct Written {
    pub(super) language: &'static str,
    pub(super) subject: String,
    pub(super) text: String,
}

pub(super) fn written(account: &AccountSettings, alert: &Alert, at: WallTime) -> Written {
    let is_english = account.account.alert.language == "en";
    let zone = account.integration().map_or("Europe/Copenhagen", |(_, settings, _)| &settings.time_zone);
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let clock = |at: WallTime| {
        let at = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default().to_zoned(zone.clone());
        at.strftime(if is_english { "%-d %B %Y %H:%M" } else { "%-d.%-m.%Y kl. %H.%M" }).to_string()
    };
    let name = match &*account.account.name {
        "" => account.id.to_string(),
        name => format!("{name} ({})", account.id),
    };
    let events = alert.events.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    let url = alert.plain_url();
    let (subject, text) = match is_english {
        true => in_english(&alert.what, url, &events, &name, &|lasted| clock(before(at, lasted))),
        false => in_danish(&alert.what, url, &events, &name, &|lasted| clock(before(at, lasted))),
    };
    Written { language: if is_english { "en" } else { "da" }, subject, text }
}

fn before(at: WallTime, lasted: Duration) -> WallTime {
    WallTime(at.0.saturating_sub(i64::try_from(lasted.as_micros()).unwrap_or(i64::MAX)))
}

type Since<'a> = &'a dyn Fn(Duration) -> String;

fn in_english(what: &What, url: &str, events: &str, name: &str, since: Since<'_>) -> (String, String) {
    let of = format!("the web service {url} ({events}) of account {name}");
    match what {
        What::Failing { lasted, said, elsewhere } => {
            let said = said.as_ref().map(|said| format!(" Last: {}.", english(said))).unwrap_or_default();
            let days = match elsewhere {
                false => "If this goes on for days, the web service is paused.",
                true => {
                    "Calls on other PBXs are told to it: what is broken may be the way from one of the machines on which Ringbud runs. It is not paused for that."
                }
            };
            (
                format!("Web service fails: {name}"),
                format!(
                    "Since {} {of} has not taken what it is sent.{said}\n\nEvents are tried again, in order, as long as they are worth it. {days}\n\nWhat to do: see whether the server runs, answers within 10 seconds and has a valid certificate, and what its log says. Deliveries in Ringbud's window has every request with its answer, and sends again what failed.\n",
                    since(*lasted)
                ),
            )
        }
        What::Works => (
            format!("Web service works again: {name}"),
            format!(
                "Again {of} takes what it is sent. What waited is being sent, in order.\n\nNothing needs to be done. What failed for good can be sent again under Deliveries in Ringbud's window.\n"
            ),
        ),
        What::Paused(pause) => {
            let said = pause.server_said.as_ref().map(|said| format!(" Last: {}.", english(said)));
            (
                format!("Web service paused: {name}"),
                format!(
                    "Paused: {of}. Why: {}.{}\n\nIts events are kept and not sent.\n\nWhat to do: mend the server, then resume the web service under Deliveries in Ringbud's window or by the API. What was kept is then sent, or not, as you choose.\n",
                    english(&pause.why),
                    said.unwrap_or_default()
                ),
            )
        }
        What::Resumed { kept, are_sent } => {
            let kept = match (*kept, *are_sent) {
                (0, _) => "Nothing had been kept.".to_owned(),
                (kept, true) => format!("{kept} events that were kept are being sent, in order."),
                (kept, false) => format!("{kept} events that were kept are not sent."),
            };
            (
                format!("Web service resumed: {name}"),
                format!("Resumed: {of}. {kept}\n\nNothing needs to be done.\n"),
            )
        }
    }
}

fn in_danish(what: &What, url: &str, events: &str, name: &str, since: Since<'_>) -> (String, String) {
    let of = format!("webservicen {url} ({events}) på kontoen {name}");
    match what {
        What::Failing { lasted, said, elsewhere } => {
            let said = said.as_ref().map(|said| format!(" Senest: {}.", danish(said))).unwrap_or_default();
            let days = match elsewhere {
                false => "Fortsætter det i flere dage, sættes webservicen på pause.",
                true => {
                    "Opkald på andre telefoncentraler når frem til den: måske er det vejen fra en af de maskiner, Ringbud kører på, der er brudt. Den sættes ikke på pause for det."
                }
            };
            (
                format!("Webservice fejler: {name}"),
                format!(
                    "Siden {} har {of} ikke taget imod det, den får sendt.{said}\n\nHændelserne prøves igen i rækkefølge, så længe det giver mening. {days}\n\nDet kan I gøre: undersøg, om serveren kører, svarer inden for 10 sekunder og har et gyldigt certifikat, og hvad dens log siger. Under Afleveringer i Ringbuds vindue står hvert kald med sit svar, og derfra kan det mislykkede sendes igen.\n",
                    since(*lasted)
                ),
            )
        }
        What::Works => (
            format!("Webservice virker igen: {name}"),
            format!(
                "Nu tager {of} igen imod det, den får sendt. Det, der ventede, bliver sendt i rækkefølge.\n\nI skal ikke gøre noget. Det, der er opgivet, kan sendes igen under Afleveringer i Ringbuds vindue.\n"
            ),
        ),
        What::Paused(pause) => {
            let said = pause.server_said.as_ref().map(|said| format!(" Senest: {}.", danish(said)));
            (
                format!("Webservice sat på pause: {name}"),
                format!(
                    "Sat på pause: {of}. Årsag: {}.{}\n\nHændelserne gemmes og sendes ikke.\n\nDet kan I gøre: få serveren til at virke, og genoptag så webservicen under Afleveringer i Ringbuds vindue eller gennem API'et. I vælger, om det gemte skal sendes eller annulleres.\n",
                    danish(&pause.why),
                    said.unwrap_or_default()
                ),
            )
        }
        What::Resumed { kept, are_sent } => {
            let kept = match (*kept, *are_sent) {
                (0, _) => "Der var ikke gemt noget.".to_owned(),
                (kept, true) => format!("{kept} gemte hændelser bliver sendt i rækkefølge."),
                (kept, false) => format!("{kept} gemte hændelser bliver ikke sendt."),
            };
            (
                format!("Webservice genoptaget: {name}"),
                format!("Genoptaget: {of}. {kept}\n\nI skal ikke gøre noget.\n"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use calls::AccountId;
    use journal::settings::{Account, AlertChoice};

    use super::*;

    fn account(language: &str) -> AccountSettings {
        let alert = AlertChoice { language: language.to_owned(), ..AlertChoice::default() };
        AccountSettings {
            account: Account { alert, ..Account::named("Nordlys") },
            ..AccountSettings::empty(AccountId::new("1001"))
        }
    }

    fn every() -> [What; 4] {
        let pause = Pause {
            since: WallTime(0),
            why: Reason::new("paused_failing").with("days", 5),
            server_said: Some(Reason::status(503)),
            by_person: false,
        };
        [
            What::Failing {
                lasted: Duration::from_secs(3_600),
                said: Some(Reason::status(503)),
                elsewhere: false,
            },
            What::Works,
            What::Paused(pause),
            What::Resumed { kept: 17, are_sent: true },
        ]
    }

    #[test]
    fn every_state_is_told_in_both_languages_with_what_to_do_and_without_the_query() {
        let at = WallTime(1_795_337_580_000_000);
        for what in every() {
            let alert = Alert {
                what,
                url: "https://crm.example/hook?key=s3cret".to_owned(),
                events: vec![EventKind::Ended],
            };
            let [danish, english] = ["", "en"].map(|language| written(&account(language), &alert, at));
            assert_eq!((danish.language, english.language), ("da", "en"));
            assert_ne!(danish.subject, english.subject);
            for text in [&danish.text, &english.text] {
                assert!(text.contains("https://crm.example/hook (Ended)"), "{text}");
                assert!(text.contains("Nordlys (1001)"), "{text}");
                assert!(!text.contains("s3cret") && !text.contains('{'), "{text}");
            }
            assert!(danish.text.contains("gøre"), "what to do: {}", danish.text);
            assert!(english.text.contains("What to do") || english.text.contains("Nothing needs to be done"));
        }
        let failing =
            Alert { what: every()[0].clone(), url: "https://a.example/".to_owned(), events: vec![] };
        let told = written(&account(""), &failing, at);
        assert!(told.text.starts_with("Siden 22.11.2026 kl. "), "{}", told.text);
        assert!(told.text.contains("sættes webservicen på pause"), "{}", told.text);
        let said = Some(Reason::status(503));
        let what = What::Failing { lasted: Duration::from_secs(3_600), said, elsewhere: true };
        for (language, words) in [("", "sættes ikke på pause"), ("en", "is not paused for that")] {
            let told = written(&account(language), &Alert { what: what.clone(), ..failing.clone() }, at);
            assert!(told.text.contains(words), "{}", told.text);
        }
    }
}

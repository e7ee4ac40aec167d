//! How the links to the PBXs are doing, as data: to the operator all of it, to an account only what it means to it.

mod danish;

use std::time::Duration;

use journal::WallTime;

use crate::language::Language;

/// Something an operator should know of a link: a code with arguments, and its sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What. Never changes its meaning.
    pub code: &'static str,
    /// What its sentence speaks of; `kind` is the kind of PBX.
    pub args: Vec<(&'static str, String)>,
    /// The sentence in English, with how to mend it.
    pub english: String,
}

impl Remark {
    /// The sentence for a person. Of a code that has no Danish one, the English.
    pub fn told(&self, language: Language) -> String {
        match language {
            Language::English => self.english.clone(),
            Language::Danish => self.danish().unwrap_or_else(|| self.english.clone()),
        }
    }

    /// The sentence in Danish, if there is one: that of the kind of PBX before that of all.
    pub fn danish(&self) -> Option<String> {
        let arg = |name: &str| self.args.iter().find(|(of, _)| *of == name).map_or("", |(_, value)| value);
        let sentence = danish::sentence(self.code, arg("kind"))?;
        Some(
            self.args
                .iter()
                .map(|(name, value)| (name, if *name == "place" { danish::place(value) } else { value }))
                .fold(sentence.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value)),
        )
    }
}

/// Where a link to a PBX stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Connecting, logging in or reading what is up.
    Connecting,
    /// Up and followed.
    Up,
    /// Followed by another gateway, on a store that several share: by which, and how it came to it.
    Elsewhere(Remark),
    /// Down; to be tried again. Why, and how to mend it; nothing to those whom that does not concern.
    Down(Option<Remark>),
}

impl LinkState {
    /// One word for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Up => "up",
            Self::Elsewhere(_) => "elsewhere",
            Self::Down(_) => "down",
        }
    }
}

/// An endpoint that has calls and that no phone rule takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// As the PBX calls it.
    pub endpoint: String,
    /// The PBX shows it as a provider's line, so it should be no phone.
    pub is_provider: bool,
    /// When it had a call first since the program started.
    pub since: WallTime,
}

/// A gateway that listens to a PBX beside the one that has it, to have it next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// What people call the gateway.
    pub gateway: String,
    /// Why it would miss something, as a code; none where it could have the PBX now and miss nothing.
    pub lacks: Option<String>,
    /// Since when that is so, by its own clock, where it tells.
    pub since: Option<WallTime>,
}

impl Beside {
    /// What passes by itself, and is no trouble.
    const PASSES: [&str; 3] = ["connecting", "silent", "stopped"];

    /// Whether it is let in nowhere, and does not only begin to listen.
    pub fn is_deaf(&self) -> bool {
        self.lacks.as_deref().is_some_and(|lacks| !Self::PASSES.contains(&lacks))
    }
}

/// The calls of before the PBXs were shared between gateways, of a store that once had none: they belong to no PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierCalls {
    /// The gateway that sends them again where that is wanted; nobody for the moment, if none.
    pub gateway: Option<String>,
    /// Since when, where that is known.
    pub since: Option<WallTime>,
}

/// A link to a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The PBX's name in the configuration.
    pub name: String,
    /// Host and port.
    pub address: String,
    /// Where it stands.
    pub state: LinkState,
    /// Since when.
    pub since: Option<WallTime>,
    /// How far the stream is behind the PBX's clock, where known.
    pub lag: Option<Duration>,
    /// The last error, which stays after it is up again.
    pub last_error: Option<Remark>,
    /// What the login lacks, and what is wrong although it is up: it hears nothing, a clock is far off.
    pub remarks: Vec<Remark>,
    /// Endpoints that have calls and that no phone rule takes.
    pub strangers: Vec<Stranger>,
    /// What the PBX says it is; empty while unknown.
    pub version: String,
    /// Who listens to the PBX beside the gateway that has it; not said where gateways do not share the store.
    pub beside: Option<Vec<Beside>>,
    /// Channels up now.
    pub channels: u64,
    /// Legs up now.
    pub legs: u64,
}

impl Link {
    /// One of which nothing more is known.
    pub fn named(name: impl Into<String>, state: LinkState) -> Self {
        Self {
            name: name.into(),
            address: String::new(),
            state,
            since: None,
            lag: None,
            last_error: None,
            remarks: Vec::new(),
            strangers: Vec::new(),
            version: String::new(),
            beside: None,
            channels: 0,
            legs: 0,
        }
    }

    /// Its state and since when, and nothing of the machine.
    pub(crate) fn for_others(self) -> Self {
        let state = match self.state {
            LinkState::Down(_) => LinkState::Down(None),
            LinkState::Connecting => LinkState::Connecting,
            LinkState::Up | LinkState::Elsewhere(_) => LinkState::Up,
        };
        Self { since: self.since, ..Self::named("", state) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(code: &'static str, kind: &str) -> Remark {
        Remark {
            code,
            args: vec![
                ("kind", kind.to_owned()),
                ("place", "manager.conf".to_owned()),
                ("seconds", "90".to_owned()),
            ],
            english: "in English".to_owned(),
        }
    }

    #[test]
    fn a_remark_is_told_in_the_readers_language_and_of_the_kind_of_pbx() {
        let asterisk = remark("missing_call_events", "Asterisk").told(Language::Danish);
        let freeswitch = remark("missing_call_events", "FreeSWITCH").told(Language::Danish);
        assert!(asterisk.contains("i manager.conf") && freeswitch.contains("esl-allowed-events"));
        assert!(remark("clock_far", "Asterisk").told(Language::Danish).contains("90 s"));
        assert_eq!(remark("clock_far", "Asterisk").told(Language::English), "in English");
        assert_eq!(remark("from_tomorrow", "Asterisk").told(Language::Danish), "in English");
    }
}

//! The PBXs people have: what is sold or installed under one name, and which protocol is behind it.

use crate::Kind;

use super::Naming;

/// A PBX as its operator calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// An Asterisk with files of one's own.
    Asterisk,
    /// FreePBX.
    FreePbx,
    /// Issabel, of FreePBX's family.
    Issabel,
    /// Wazo.
    Wazo,
    /// MikoPBX.
    MikoPbx,
    /// Grandstream's UCM.
    Grandstream,
    /// Yeastar.
    Yeastar,
    /// A FreeSWITCH with files of one's own.
    FreeSwitch,
    /// FusionPBX.
    FusionPbx,
}

impl Product {
    /// All of them, the commonest first.
    pub const ALL: [Self; 9] = [
        Self::Asterisk,
        Self::FreePbx,
        Self::FreeSwitch,
        Self::FusionPbx,
        Self::Issabel,
        Self::Wazo,
        Self::MikoPbx,
        Self::Grandstream,
        Self::Yeastar,
    ];

    /// One word for command lines and forms.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asterisk => "asterisk",
            Self::FreePbx => "freepbx",
            Self::Issabel => "issabel",
            Self::Wazo => "wazo",
            Self::MikoPbx => "mikopbx",
            Self::Grandstream => "grandstream",
            Self::Yeastar => "yeastar",
            Self::FreeSwitch => "freeswitch",
            Self::FusionPbx => "fusionpbx",
        }
    }

    /// The product of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.word() == word)
    }

    /// Its maker's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asterisk => "Asterisk",
            Self::FreePbx => "FreePBX",
            Self::Issabel => "Issabel",
            Self::Wazo => "Wazo",
            Self::MikoPbx => "MikoPBX",
            Self::Grandstream => "Grandstream UCM",
            Self::Yeastar => "Yeastar",
            Self::FreeSwitch => "FreeSWITCH",
            Self::FusionPbx => "FusionPBX",
        }
    }

    /// What is spoken with it.
    pub const fn kind(self) -> Kind {
        match self {
            Self::FreeSwitch | Self::FusionPbx => Kind::FreeSwitch,
            Self::Asterisk
            | Self::FreePbx
            | Self::Issabel
            | Self::Wazo
            | Self::MikoPbx
            | Self::Grandstream
            | Self::Yeastar => Kind::Asterisk,
        }
    }

    /// The port it listens on unless it was told otherwise.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Grandstream => 7777,
            _ => self.kind().usual_ports().0,
        }
    }

    /// How its phones are named unless somebody named them otherwise.
    pub const fn usual_naming(self) -> Naming {
        match self {
            Self::FreePbx | Self::Issabel => Naming::Ready("freepbx"),
            Self::Wazo => Naming::Ready("wazo"),
            Self::MikoPbx => Naming::Ready("ws-suffix"),
            Self::FreeSwitch | Self::FusionPbx => Naming::Domain,
            Self::Asterisk | Self::Grandstream | Self::Yeastar => Naming::Ready("number"),
        }
    }
}

//! The PBXs people have: what is sold or installed under one name, and which protocol is behind it.

use super::Kind;

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

    /// The PBX of a kind that nobody built anything on.
    pub const fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Asterisk => Self::Asterisk,
            Kind::FreeSwitch => Self::FreeSwitch,
        }
    }

    /// Where it keeps who may log in, and from where: what every sentence that sends a person there names.
    pub const fn login_place(self) -> &'static str {
        match self {
            Self::Asterisk => "manager.conf",
            Self::FreePbx | Self::Issabel => "manager_custom.conf",
            Self::Wazo => "manager.d/ringbud.conf",
            Self::MikoPbx | Self::Grandstream | Self::Yeastar => {
                "its page for users of the manager interface (AMI)"
            }
            Self::FreeSwitch => "event_socket.conf.xml",
            Self::FusionPbx => "event_socket.conf.xml and /etc/fusionpbx/config.conf",
        }
    }
}

//! Which addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, PoisonError, RwLock};

use ipnet::IpNet;

macro_rules! ranges {
    ($($(#[$about:meta])* $variant:ident $name:literal $english:literal $danish:literal,)*) => {
        /// Why an address is refused: the range it is in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Why { $($(#[$about])* $variant,)* }

        impl Why {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in a reason.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What an address of it is, in English.
            pub const fn english(self) -> &'static str {
                match self { $(Self::$variant => $english,)* }
            }

            /// The same in Danish.
            pub const fn danish(self) -> &'static str {
                match self { $(Self::$variant => $danish,)* }
            }

            /// By its name, if there is one.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|why| why.name() == name)
            }
        }
    };
}

// The one list of their words, wherever an address is refused: at a form, at a request, in the history.
ranges! {
    /// `127.0.0.0/8`, `::1`.
    Loopback "loopback" "a loopback address"
        "en loopback-adresse",
    /// `0.0.0.0/8`, `::`.
    Unspecified "unspecified" "the unspecified address"
        "den uangivne adresse",
    /// `169.254.0.0/16`, `fe80::/10`; clouds answer about themselves there.
    LinkLocal "link_local" "a link-local address (cloud metadata services live there)"
        "en link-local adresse (der svarer clouds om sig selv)",
    /// Addresses outside the link-local range where a cloud answers about itself.
    Metadata "metadata" "a cloud metadata address"
        "en adresse, hvor en cloud svarer om sig selv",
    /// `10/8`, `172.16/12`, `192.168/16`.
    Private "private" "a private address"
        "en privat adresse",
    /// `fc00::/7`, `fec0::/10`.
    UniqueLocal "unique_local" "a unique-local address"
        "en unique-local adresse",
    /// `100.64.0.0/10`.
    SharedNat "shared_nat" "an address behind a provider's shared NAT"
        "en adresse bag en udbyders fælles NAT",
    /// `224/4`, `ff00::/8`.
    Multicast "multicast" "a multicast address"
        "en multicast-adresse",
    /// The broadcast address.
    Broadcast "broadcast" "the broadcast address"
        "broadcast-adressen",
    /// Ranges for examples in documents.
    Documentation "documentation" "an address reserved for documentation"
        "en adresse, der kun er til dokumentation",
    /// Ranges for benchmarks, protocol assignments, future use.
    Reserved "reserved" "a reserved address"
        "en reserveret adresse",
}

/// An address may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The address.
    pub address: IpAddr,
    /// Why.
    pub why: Why,
}

/// What an operator allows beyond the public addresses. Clones are the same guard.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allow: Arc<RwLock<Vec<IpNet>>>,
}

impl Guard {
    /// A guard with the listed networks allowed.
    pub fn new(allow: Vec<IpNet>) -> Self {
        Self { allow: Arc::new(RwLock::new(allow)) }
    }

    /// From now on these are allowed.
    pub fn change(&self, allow: Vec<IpNet>) {
        *self.allow.write().unwrap_or_else(PoisonError::into_inner) = allow;
    }

    /// Whether an address may be connected to.
    ///
    /// An address that carries another one inside (mapped, compatible, NAT64, 6to4, Teredo) is judged by
    /// both; the allow-list may name either.
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        if self.allows(address) {
            return Ok(());
        }
        let inner = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => embedded(v6),
        };
        if let Some(inner) = inner {
            if self.allows(IpAddr::V4(inner)) {
                return Ok(());
            }
            if let Some(why) = refuse_v4(inner) {
                return Err(Refused { address, why });
            }
        }
        let why = match address {
            IpAddr::V4(v4) => refuse_v4(v4),
            IpAddr::V6(v6) => refuse_v6(v6),
        };
        why.map_or(Ok(()), |why| Err(Refused { address, why }))
    }

    fn allows(&self, address: IpAddr) -> bool {
        let allow = self.allow.read().unwrap_or_else(PoisonError::into_inner);
        allow.iter().any(|net| net.contains(&address))
    }
}

fn refuse_v4(address: Ipv4Addr) -> Option<Why> {
    let why = match address.octets() {
        [0, ..] => Why::Unspecified,
        [127, ..] => Why::Loopback,
        [169, 254, ..] => Why::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Why::Private,
        [100, 100, 100, 200] | [168, 63, 129, 16] => Why::Metadata,
        [100, 64..=127, ..] => Why::SharedNat,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Why::Documentation,
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] => Why::Reserved,
        [224..=239, ..] => Why::Multicast,
        [255, 255, 255, 255] => Why::Broadcast,
        [240..=255, ..] => Why::Reserved,
        _ => return None,
    };
    Some(why)
}

fn refuse_v6(address: Ipv6Addr) -> Option<Why> {
    let why = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Why::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Why::Loopback,
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Why::Metadata,
        [0xfe80..=0xfebf, ..] => Why::LinkLocal,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Why::UniqueLocal,
        [0xff00..=0xffff, ..] => Why::Multicast,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Why::Documentation,
        // What carries an IPv4 address that passed is judged by that one alone: mapped, and NAT64, by which a network
        // without IPv4 gets out.
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x0064, 0xff9b, 0, 0, 0, 0, _, _] => return None,
        // Teredo likewise.
        [0x2001, 0x0000, ..] => return None,
        // Anycast of one's own router, TURN and DNS-SD; benchmarking; ORCHID, twice; everything else that is for
        // protocols, but AS112 and AMT, which are out in the world.
        [0x2001, 0x0003, ..] | [0x2001, 0x0004, 0x0112, ..] => return None,
        [0x2001, 0x0001..=0x01ff, ..] => Why::Reserved,
        // Only this is given out as unicast to the world; what is not given out is nobody's, or one's own network's.
        [0x2000..=0x3fff, ..] => return None,
        _ => Why::Reserved,
    };
    Some(why)
}

/// The IPv4 address inside an IPv6 one, where the form is one that carries traffic to it.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Compatible, mapped, translated.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(of(high, low)),
        // NAT64.
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => Some(of(high, low)),
        // Teredo keeps the client's address inverted at the end.
        [0x2001, 0, _, _, _, _, high, low] => Some(of(!high, !low)),
        // ISATAP.
        [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => Some(of(high, low)),
        _ => None,
    }
}

//! The people of the play: two companies, their employees, and who rings them from outside.
//!
//! The outside numbers begin with `+45 1`, which nobody in Denmark has: nobody real is rung by a curious
//! visitor who dials what is on the screen.

use crate::rng::Rng;

/// One company on the demo PBX.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// The account's id, part of every endpoint's name (`PJSIP/1001-101`).
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What its outside numbers begin with; three more digits follow.
    pub number_prefix: &'static str,
    /// Who works there.
    pub employees: &'static [Employee],
}

/// Somebody who works there, with a phone of the same local number.
#[derive(Clone, Copy, Debug)]
pub struct Employee {
    /// The local number.
    pub number: &'static str,
    /// The name.
    pub name: &'static str,
}

const fn employee(number: &'static str, name: &'static str) -> Employee {
    Employee { number, name }
}

/// The accounts of the demo PBX.
pub const ACCOUNTS: &[Account] = &[
    Account {
        id: "1001",
        name: "Nordlys Tandklinik",
        number_prefix: "+4511201",
        employees: &[
            employee("101", "Mette Sørensen"),
            employee("102", "Jonas Bæk"),
            employee("103", "Freja Dahl"),
            employee("104", "Rasmus Holm"),
        ],
    },
    Account {
        id: "2002",
        name: "Havnens Cykler",
        number_prefix: "+4511302",
        employees: &[
            employee("201", "Ida Kjær"),
            employee("202", "Mikkel Østergaard"),
            employee("203", "Sofie Nygaard"),
            employee("204", "Anders Bruun"),
        ],
    },
];

/// How many regular outside parties there are; some ring more than once, as customers do.
const REGULARS: u64 = 24;

/// A random number of somebody outside.
pub(crate) fn outsider(rng: &mut Rng) -> String {
    let mut person = Rng::new(rng.roll() % REGULARS);
    format!("+451{:07}", person.roll() % 10_000_000)
}

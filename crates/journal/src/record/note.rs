//! A note of the call logic at rest.

use calls::{Kept, LegId, PbxTime, Transfer};
use serde::{Deserialize, Serialize};

use super::{Unreadable, pack, unpack};

const VERSION: u8 = 2;
/// Without `held_since`.
const VERSION_1: u8 = 1;

/// Party, its number, transferred to.
type TransferShape<'a> = (&'a str, &'a str, &'a str);

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    first: Shape1<'a>,
    held_since: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Shape1<'a> {
    #[serde(borrow)]
    transfer: Option<TransferShape<'a>>,
    #[serde(borrow)]
    leg_transfer: Option<TransferShape<'a>>,
    answered_at: Option<i64>,
}

pub(crate) fn write(kept: &Kept) -> Vec<u8> {
    let Kept { transfer, leg_transfer, answered_at, held_since } = kept;
    let first = Shape1 {
        transfer: transfer.as_ref().map(written),
        leg_transfer: leg_transfer.as_ref().map(written),
        answered_at: answered_at.map(PbxTime::as_micros),
    };
    pack(VERSION, &Shape { first, held_since: held_since.map(PbxTime::as_micros) })
}

fn written(transfer: &Transfer) -> TransferShape<'_> {
    let Transfer { party, party_number, to } = transfer;
    (party.as_str(), party_number.as_ref(), to.as_ref())
}

pub(crate) fn read(packed: &[u8]) -> Result<Kept, Unreadable> {
    let Shape { first, held_since } = match packed.first() {
        Some(&VERSION_1) => Shape { first: unpack("note", VERSION_1, packed)?, held_since: None },
        _ => unpack("note", VERSION, packed)?,
    };
    Ok(Kept {
        transfer: first.transfer.map(transfer),
        leg_transfer: first.leg_transfer.map(transfer),
        answered_at: first.answered_at.map(PbxTime::from_micros),
        held_since: held_since.map(PbxTime::from_micros),
    })
}

fn transfer((party, party_number, to): TransferShape<'_>) -> Transfer {
    Transfer { party: LegId::new(party), party_number: party_number.into(), to: to.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_as_it_was_and_an_older_one_without_what_it_did_not_know() {
        let kept = Kept {
            answered_at: Some(PbxTime::from_secs(7)),
            held_since: Some(PbxTime::from_secs(9)),
            ..Kept::default()
        };
        assert_eq!(read(&write(&kept)).unwrap(), kept);
        let older = Shape1 { transfer: None, leg_transfer: None, answered_at: Some(7_000_000) };
        assert_eq!(read(&pack(VERSION_1, &older)).unwrap(), Kept { held_since: None, ..kept });
    }
}

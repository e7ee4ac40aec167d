//! A note of the call logic at rest.

use calls::{Kept, LegId, PbxTime, Transfer};
use serde::{Deserialize, Serialize};

use super::{Unreadable, pack, unpack};

const VERSION: u8 = 1;

/// Party, its number, transferred to.
type TransferShape<'a> = (&'a str, &'a str, &'a str);

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    transfer: Option<TransferShape<'a>>,
    #[serde(borrow)]
    leg_transfer: Option<TransferShape<'a>>,
    answered_at: Option<i64>,
}

pub(crate) fn write(kept: &Kept) -> Vec<u8> {
    let Kept { transfer, leg_transfer, answered_at } = kept;
    let shape = Shape {
        transfer: transfer.as_ref().map(written),
        leg_transfer: leg_transfer.as_ref().map(written),
        answered_at: answered_at.map(PbxTime::as_micros),
    };
    pack(VERSION, &shape)
}

fn written(transfer: &Transfer) -> TransferShape<'_> {
    let Transfer { party, party_number, to } = transfer;
    (party.as_str(), party_number.as_ref(), to.as_ref())
}

pub(crate) fn read(packed: &[u8]) -> Result<Kept, Unreadable> {
    let shape: Shape<'_> = unpack("note", VERSION, packed)?;
    Ok(Kept {
        transfer: shape.transfer.map(transfer),
        leg_transfer: shape.leg_transfer.map(transfer),
        answered_at: shape.answered_at.map(PbxTime::from_micros),
    })
}

fn transfer((party, party_number, to): TransferShape<'_>) -> Transfer {
    Transfer { party: LegId::new(party), party_number: party_number.into(), to: to.into() }
}

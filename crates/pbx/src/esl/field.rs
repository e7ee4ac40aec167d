//! The headers of an event that mean something here.

macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// A header of an event that is looked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is the header of the same name")]
        pub enum Field {
            $($field,)*
        }

        impl Field {
            /// All of them.
            pub const ALL: [Self; COUNT] = [$(Self::$field,)*];

            /// The name as FreeSWITCH writes it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)*
                }
            }
        }

        /// How many there are.
        pub(super) const COUNT: usize = [$($name,)*].len();
    };
}

fields! {
    EventName = "Event-Name",
    Subclass = "Event-Subclass",
    CoreUuid = "Core-UUID",
    Version = "FreeSWITCH-Version",
    Timestamp = "Event-Date-Timestamp",
    EventInfo = "Event-Info",
    UniqueId = "Unique-ID",
    OldUniqueId = "Old-Unique-ID",
    ChannelName = "Channel-Name",
    PresenceId = "Channel-Presence-ID",
    CallDirection = "Call-Direction",
    AnswerState = "Answer-State",
    HangupCause = "Hangup-Cause",
    CallerNumber = "Caller-Caller-ID-Number",
    Destination = "Caller-Destination-Number",
    Dialplan = "Caller-Dialplan",
    HideNumber = "Caller-Privacy-Hide-Number",
    CreatedTime = "Caller-Channel-Created-Time",
    AnsweredTime = "Caller-Channel-Answered-Time",
    ProgressTime = "Caller-Channel-Progress-Time",
    ProgressMediaTime = "Caller-Channel-Progress-Media-Time",
    OtherType = "Other-Type",
    OtherUniqueId = "Other-Leg-Unique-ID",
    OtherDestination = "Other-Leg-Destination-Number",
    BridgeA = "Bridge-A-Unique-ID",
    BridgeB = "Bridge-B-Unique-ID",
    Action = "Action",
    ConferenceId = "Conference-Unique-ID",
    ConferenceName = "Conference-Name",
    CcAction = "CC-Action",
    CcQueue = "CC-Queue",
    CcMember = "CC-Member-Session-UUID",
    CcAgentType = "CC-Agent-Type",
    FifoAction = "FIFO-Action",
    FifoName = "FIFO-Name",
    RegisteredUser = "from-user",
    RegisteredHost = "from-host",
    Username = "username",
    Realm = "realm",
    Originator = "variable_originator",
    OriginatingLeg = "variable_originating_leg_uuid",
    EnterpriseLeg = "variable_ent_originate_aleg_uuid",
    QueueMember = "variable_cc_member_session_uuid",
    FifoCaller = "variable_fifo_bridge_uuid",
    ApplicationData = "variable_current_application_data",
    OtherLoopback = "variable_other_loopback_leg_uuid",
    PickedUpBy = "variable_channel_swap_uuid",
    Gateway = "variable_sip_gateway_name",
    HangupDisposition = "variable_sip_hangup_disposition",
    TransferDisposition = "variable_transfer_disposition",
    TransferTo = "variable_transfer_to",
    TransferDestination = "variable_transfer_destination",
    ReferredFrom = "variable_refer_uuid",
    TransferHistory = "variable_transfer_history",
    RedirectedTo = "variable_sip_redirect_contact_user_0",
}

/// So many letters of a name tell most lines apart from every field: the first ones, of a variable those after
/// `variable_`.
const KEY_BYTES: usize = 8;

/// Places for keys; several times as many as there are, so that what is no key hits an empty one.
const SLOTS: usize = 512;
const SLOT_BITS: u32 = SLOTS.trailing_zeros();

/// No field.
const NONE: u8 = u8::MAX;

/// The fields by the keys of their names. An event has some two hundred lines, of which some twenty are fields:
/// looking a line up has to cost a few nanoseconds and no guess.
struct Index {
    /// Zero where there is none.
    keys: [u64; SLOTS],
    /// The first field of a key.
    first: [u8; SLOTS],
    /// The next one of the same key.
    next: [u8; COUNT],
}

static INDEX: Index = Index::new();

impl Index {
    const fn new() -> Self {
        let mut index = Self { keys: [0; SLOTS], first: [NONE; SLOTS], next: [NONE; COUNT] };
        let mut field = 0;
        while field < COUNT {
            if let Some(key) = key_of(Field::ALL[field].name().as_bytes()) {
                let mut slot = slot_of(key);
                while index.keys[slot] != 0 && index.keys[slot] != key {
                    slot = (slot + 1) % SLOTS;
                }
                index.keys[slot] = key;
                index.next[field] = index.first[slot];
                index.first[slot] = field as u8;
            }
            field += 1;
        }
        index
    }

    /// The first field of a key.
    fn first(&self, key: u64) -> u8 {
        let mut slot = slot_of(key);
        loop {
            match self.keys[slot] {
                0 => return NONE,
                found if found == key => return self.first[slot],
                _ => slot = (slot + 1) % SLOTS,
            }
        }
    }
}

const fn slot_of(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SLOT_BITS)) as usize
}

/// The key of a line that begins with a name. `None` if it is too short to have one.
const fn key_of(line: &[u8]) -> Option<u64> {
    let name = match line {
        // What every variable begins with.
        [b'v', b'a', b'r', b'i', b'a', b'b', b'l', b'e', b'_', rest @ ..] => rest,
        rest => rest,
    };
    match name.first_chunk::<KEY_BYTES>() {
        Some(key) => Some(u64::from_le_bytes(*key)),
        None => None,
    }
}

impl Field {
    /// The field of a line, and where its value begins. Most lines are none.
    pub(super) fn of_line(line: &[u8]) -> Option<(Self, usize)> {
        let mut field = match (key_of(line), line.first()?) {
            // Their names are shorter than a key.
            (_, b'r') => Self::Realm as u8,
            (_, b'A') if line.starts_with(b"Action") => Self::Action as u8,
            (Some(key), _) => INDEX.first(key),
            (None, _) => NONE,
        };
        while let Some(found) = Self::ALL.get(usize::from(field)) {
            if let Some(value) = found.value_in(line) {
                return Some((*found, value));
            }
            field = INDEX.next[usize::from(field)];
        }
        None
    }

    /// Where the value begins, if the line is of this field.
    fn value_in(self, line: &[u8]) -> Option<usize> {
        let name = self.name().as_bytes();
        // The colon first: it is in its place in hardly any other line.
        let value = line.get(name.len()..)?.strip_prefix(b":")?;
        let is_it = line[..name.len()] == *name;
        let value = value.strip_prefix(b" ").unwrap_or(value);
        is_it.then_some(line.len() - value.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_by_no_other() {
        for field in Field::ALL {
            let line = format!("{}: x y", field.name());
            assert_eq!(Field::of_line(line.as_bytes()), Some((field, line.len() - 3)), "{line}");
            assert_eq!(Field::of_line(format!("{}-Other: x", field.name()).as_bytes()), None, "{line}");
            let cut = &line.as_bytes()[..field.name().len()];
            assert_eq!(Field::of_line(cut), None, "a line that ends before its colon");
        }
    }
}

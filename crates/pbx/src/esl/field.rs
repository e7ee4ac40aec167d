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
    HideNumber = "Caller-Privacy-Hide-Number",
    CreatedTime = "Caller-Channel-Created-Time",
    AnsweredTime = "Caller-Channel-Answered-Time",
    ProgressTime = "Caller-Channel-Progress-Time",
    ProgressMediaTime = "Caller-Channel-Progress-Media-Time",
    OtherType = "Other-Type",
    OtherUniqueId = "Other-Leg-Unique-ID",
    BridgeA = "Bridge-A-Unique-ID",
    BridgeB = "Bridge-B-Unique-ID",
    Action = "Action",
    ConferenceId = "Conference-Unique-ID",
    ConferenceName = "Conference-Name",
    CcAction = "CC-Action",
    CcQueue = "CC-Queue",
    CcMember = "CC-Member-Session-UUID",
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

/// How many headers begin with `variable_`.
const PREFIX: &[u8] = b"variable_";

impl Field {
    /// The field of a line, and where its value begins. Most lines are none: length and a few bytes tell.
    pub(super) fn of_line(line: &[u8]) -> Option<(Self, usize)> {
        let candidates = match line.first()? {
            b'v' => candidates_of_variable(line.get(PREFIX.len()..PREFIX.len() + 2)?),
            b'C' => candidates_of_c(line.get(..8)?),
            b'E' => &[Self::EventName, Self::Subclass, Self::Timestamp, Self::EventInfo],
            b'U' => &[Self::UniqueId][..],
            b'A' => &[Self::AnswerState, Self::Action],
            b'H' => &[Self::HangupCause],
            b'O' => &[Self::OtherUniqueId, Self::OtherType, Self::OldUniqueId],
            b'B' => &[Self::BridgeA, Self::BridgeB],
            b'F' => &[Self::Version, Self::FifoAction, Self::FifoName],
            b'f' => &[Self::RegisteredUser, Self::RegisteredHost],
            b'u' => &[Self::Username],
            b'r' => &[Self::Realm],
            _ => &[],
        };
        candidates.iter().find_map(|field| {
            let rest = line.strip_prefix(field.name().as_bytes())?.strip_prefix(b":")?;
            let value = rest.strip_prefix(b" ").unwrap_or(rest);
            Some((*field, line.len() - value.len()))
        })
    }
}

/// By the two letters after `variable_`.
fn candidates_of_variable(letters: &[u8]) -> &'static [Field] {
    match letters {
        b"or" => &[Field::Originator, Field::OriginatingLeg],
        b"en" => &[Field::EnterpriseLeg],
        b"cc" => &[Field::QueueMember],
        b"ch" => &[Field::PickedUpBy],
        b"fi" => &[Field::FifoCaller],
        b"ot" => &[Field::OtherLoopback],
        b"si" => &[Field::HangupDisposition, Field::Gateway, Field::RedirectedTo],
        b"tr" => &[
            Field::TransferHistory,
            Field::TransferDisposition,
            Field::TransferTo,
            Field::TransferDestination,
        ],
        b"re" => &[Field::ReferredFrom],
        _ => &[],
    }
}

/// By the first eight letters, of which the first is a C.
fn candidates_of_c(letters: &[u8]) -> &'static [Field] {
    match letters {
        b"Core-UUI" => &[Field::CoreUuid],
        b"Channel-" => &[Field::ChannelName, Field::PresenceId],
        b"Call-Dir" => &[Field::CallDirection],
        b"Caller-C" => &[
            Field::CallerNumber,
            Field::AnsweredTime,
            Field::CreatedTime,
            Field::ProgressTime,
            Field::ProgressMediaTime,
        ],
        b"Caller-D" => &[Field::Destination],
        b"Caller-P" => &[Field::HideNumber],
        b"CC-Actio" => &[Field::CcAction],
        b"CC-Queue" => &[Field::CcQueue],
        b"CC-Membe" => &[Field::CcMember],
        b"Conferen" => &[Field::ConferenceId, Field::ConferenceName],
        _ => &[],
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

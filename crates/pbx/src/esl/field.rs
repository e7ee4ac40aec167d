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
    ExpiredUser = "user",
    ExpiredHost = "host",
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

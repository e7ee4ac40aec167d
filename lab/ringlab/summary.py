"""An AMI stream in a few words a line, for people who look for the reason of a difference.

The words are those of the field notes: N Newchannel, D DialBegin, E DialEnd, R/U Newstate
Ringing/Up, + and - BridgeEnter/Leave, H Hangup.
"""

_SHORT = {"BlindTransfer": "BT", "AttendedTransfer": "AT", "DialState": "r", "HangupRequest": "HR",
          "SoftHangupRequest": "SHR"}
_TOLD = {"Newchannel", "Newstate", "DialBegin", "DialState", "DialEnd", "BridgeEnter", "BridgeLeave", "BridgeMerge",
         "BlindTransfer", "AttendedTransfer", "Pickup", "ParkedCall", "UnParkedCall", "ParkedCallTimeOut",
         "ParkedCallGiveUp", "Hold", "Unhold", "Hangup", "HangupRequest", "SoftHangupRequest", "QueueCallerJoin",
         "QueueCallerLeave", "QueueCallerAbandon", "AgentCalled", "AgentConnect", "AgentComplete",
         "AgentRingNoAnswer", "LocalBridge", "LocalOptimizationBegin", "LocalOptimizationEnd", "OriginateResponse",
         "FullyBooted", "Shutdown", "Rename", "ConfbridgeJoin", "ConfbridgeLeave"}


def _channel(event, prefix=""):
    name = event.get(f"{prefix}Channel", "-")
    return f"{name.removeprefix('PJSIP/').removeprefix('SIP/')}[{event.get(prefix + 'Uniqueid', '')[-6:]}]"


def _describe(event):
    name = event["Event"]
    if name == "Newchannel":
        return f"N {_channel(event)} {event['ChannelStateDesc']} exten {event['Exten']} linked {event['Linkedid'][-6:]}"
    if name == "Newstate":
        return f"{event['ChannelStateDesc']} {_channel(event)}"
    if name == "DialBegin":
        return f"D {_channel(event)} → {_channel(event, 'Dest')}"
    if name == "DialState":
        return f"r {_channel(event)} → {_channel(event, 'Dest')} {event['DialStatus']}"
    if name == "DialEnd":
        return (f"E {_channel(event)} → {_channel(event, 'Dest')} {event['DialStatus']}"
                + (f" Forward={event['Forward']}" if event.get("Forward") else ""))
    if name in ("BridgeEnter", "BridgeLeave"):
        swap = f" swap {event['SwapUniqueid'][-6:]}" if event.get("SwapUniqueid") else ""
        return f"{'+' if name == 'BridgeEnter' else '-'} {_channel(event)} {event['BridgeUniqueid'][:4]}{swap}"
    if name == "Hangup":
        return f"H {_channel(event)} {event.get('Cause')}"
    if name == "BlindTransfer":
        return (f"BT {_channel(event, 'Transferer')} of {_channel(event, 'Transferee')} to {event.get('Extension')}"
                f" external {event.get('IsExternal')}")
    if name == "AttendedTransfer":
        return (f"AT {_channel(event, 'OrigTransferer')} + {_channel(event, 'SecondTransferer')} transferee "
                f"{_channel(event, 'Transferee')} target {_channel(event, 'TransferTarget')} "
                f"{event.get('DestType')} {event.get('DestApp', '')}")
    return f"{_SHORT.get(name, name)} {_channel(event)}"


def summary(events, began_at):
    """One line an event, with seconds since the shape began."""
    lines = []
    for event in events:
        if event["Event"] in _TOLD:
            at = event.get("Timestamp")
            lines.append((f"{float(at) - began_at:7.3f} " if at else "        ") + _describe(event))
    return lines

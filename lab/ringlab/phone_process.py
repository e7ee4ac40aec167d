"""One SIP phone (pjsua2) in a process of its own, told what to do by JSON lines.

stdin:  {"do": "dial", "id": 7, "call": 1, ...}      what to do
stdout: {"event": "done", "id": 7} or {"event": "failed", "id": 7, "why": "..."}
        {"event": "incoming" | "up" | "over" | "media" | "transfer" | ..., "call": 1, "at": 1795343903.9}

The phone does nothing by itself: it does not even ring unless told to. All
SIP work runs in the main thread, between two looks at stdin.

Not started by hand: `phones.Phone` does.
"""

import json
import os
import queue
import re
import sys
import threading
import time

import pjsua2 as pj

# What the SIP stack prints must not mix with what we tell.
_to_lab = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def tell(event, **facts):
    """One line to the lab."""
    _to_lab.write(json.dumps({"event": event, "at": time.time(), **facts}) + "\n")


def number_in(uri):
    """The user part of a SIP URI or name-addr; empty if it has none."""
    found = re.search(r"sips?:([^@;>]*)@", uri)
    return found[1].replace("%23", "#") if found else ""


def tag_in(message, header):
    """The tag of From or To in a SIP message; empty if it has none."""
    short = {"From": "f", "To": "t"}[header]
    found = re.search(rf"^(?:{header}|{short})\s*:.*?;tag=([^;\s>]+)", message, re.I | re.M)
    return found[1] if found else ""


class Call(pj.Call):
    """A call that tells the lab what becomes of it."""

    def __init__(self, phone, number, call_id=pj.PJSUA_INVALID_ID):
        super().__init__(phone, call_id)
        self.phone, self.number, self.over, self.was_up = phone, number, False, False
        self.own_tag = self.far_tag = ""

    def onCallTsxState(self, prm):
        """Our own answers to an INVITE show both ends of the dialog."""
        state = prm.e.body.tsxState
        if state.type == pj.PJSIP_EVENT_TX_MSG:
            message = state.src.tdata.wholeMsg
            if re.match(r"SIP/2.0 (18|2)", message) and re.search(r"^CSeq:.*INVITE", message, re.I | re.M):
                self.own_tag, self.far_tag = tag_in(message, "To"), tag_in(message, "From")

    def onCallState(self, _prm):
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY:
            tell("progress", call=self.number, code=info.lastStatusCode)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED and not self.was_up:
            self.was_up = True
            tell("up", call=self.number)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.over = True
            tell("over", call=self.number, code=info.lastStatusCode, reason=info.lastReason)

    def onCallMediaState(self, _prm):
        info = self.getInfo()  # kept: its list of media lives no longer than it
        held = any(media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_LOCAL_HOLD
                   for media in info.media)
        tell("media", call=self.number, held=held)
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.phone.devices.getCaptureDevMedia().startTransmit(self.getAudioMedia(index))

    def look_if_over(self):
        """When both sides hang up at once, the library may say nothing: then see for ourselves."""
        if not self.over and (not self.isActive() or self.getInfo().state == pj.PJSIP_INV_STATE_DISCONNECTED):
            self.over = True
            tell("over", call=self.number, code=0, reason="found over")

    def onCallTransferStatus(self, prm):
        tell("transfer", call=self.number, code=prm.statusCode, reason=prm.reason, final=prm.finalNotify)
        # As a real phone: once the transfer went well, it leaves the call.
        if prm.finalNotify and prm.statusCode // 100 == 2 and not self.over:
            self.phone.to_hang_up.append(self)


class Phone(pj.Account):
    """The account of the phone and its calls."""

    def __init__(self, registrar, devices):
        super().__init__()
        self.registrar, self.devices = registrar, devices
        self.calls, self.next_number, self.to_hang_up = {}, 1, []

    def onRegState(self, prm):
        tell("registered" if prm.code == 200 else "not-registered", code=prm.code, expires=prm.expiration)

    def onIncomingCall(self, prm):
        call = self.add(prm.callId)
        info = call.getInfo()
        tell("incoming", call=call.number, other=number_in(info.remoteUri), dialled=number_in(info.localUri))

    def add(self, call_id=pj.PJSUA_INVALID_ID):
        """A new call with the next number."""
        call = Call(self, self.next_number, call_id)
        self.calls[self.next_number] = call
        self.next_number += 1
        return call

    def uri(self, number):
        """Where a dialled number is reached."""
        return f"sip:{number}@{self.registrar}"

    # --- What the lab can ask for, by name ---

    def do_register(self, on=True):
        self.setRegistration(on)

    def do_dial(self, to, caller=None, name=None):
        prm = pj.CallOpParam(True)
        if caller is not None:
            host = "anonymous.invalid" if caller == "anonymous" else "127.0.0.2"
            prm.txOption.localUri = (f'"{name}" ' if name else "") + f"<sip:{caller}@{host}>"
        call = self.add()
        try:
            call.makeCall(self.uri(to), prm)
        except pj.Error:
            call.over = True
            raise
        return {"call": call.number}

    def do_dialog(self, call):
        return {"call_id": self.calls[call].getInfo().callIdString, "own_tag": self.calls[call].own_tag,
                "far_tag": self.calls[call].far_tag}

    def do_take(self, to, dialog):
        prm = pj.CallOpParam(True)
        call_id, far_tag, own_tag = dialog
        header = pj.SipHeader()
        header.hName, header.hValue = "Replaces", f"{call_id};to-tag={far_tag};from-tag={own_tag}"
        prm.txOption.headers.append(header)
        call = self.add()
        try:
            call.makeCall(self.uri(to), prm)
        except pj.Error:
            call.over = True
            raise
        return {"call": call.number}

    def do_reply(self, call, code, contact=None):
        """Answers an INVITE: 180, 183, 200, or a refusal."""
        prm = pj.CallOpParam(True)
        prm.statusCode = code
        if contact:
            header = pj.SipHeader()
            header.hName, header.hValue = "Contact", f"<{self.uri(contact)}>"
            prm.txOption.headers.append(header)
        if code < 300:
            self.calls[call].answer(prm)
        else:
            self.calls[call].hangup(prm)

    def do_hold(self, call):
        self.calls[call].setHold(pj.CallOpParam(True))

    def do_unhold(self, call):
        prm = pj.CallOpParam(True)
        prm.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.calls[call].reinvite(prm)

    def do_keys(self, call, digits):
        self.calls[call].dialDtmf(digits)

    def do_transfer(self, call, to):
        self.calls[call].xfer(self.uri(to), pj.CallOpParam(True))

    def do_join(self, call, other):
        self.calls[call].xferReplaces(self.calls[other], pj.CallOpParam(True))

    def do_hang_up(self, call):
        self.calls[call].hangup(pj.CallOpParam(True))

    def do_hang_up_all(self):
        self.to_hang_up += [call for call in self.calls.values() if not call.over]

    def tend(self):
        """What is due between two looks at the lab: hang up, and forget calls that are over."""
        for call in self.calls.values():
            call.look_if_over()
        while self.to_hang_up:
            call = self.to_hang_up.pop()
            if not call.over:
                call.hangup(pj.CallOpParam(True))
        for number in [n for n, call in self.calls.items() if call.over]:
            del self.calls[number]


def make_endpoint(host, port):
    """The SIP stack: one loopback transport, no sound device, one thread."""
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = config.logConfig.consoleLevel = 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.port, transport.boundAddress = port, host
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.audDevManager().setNullDev()
    endpoint.libStart()
    for codec in endpoint.codecEnum2():
        endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU") else 0)
    return endpoint


def make_phone(endpoint, user, host, registrar, registers):
    """The one account of this process."""
    config = pj.AccountConfig()
    config.idUri = f"sip:{user}@{registrar if registers else host}"
    if registers:
        config.regConfig.registrarUri = f"sip:{registrar}"
        config.regConfig.timeoutSec = 600
        config.regConfig.registerOnAdd = False
    config.mediaConfig.transportConfig.boundAddress = host
    config.mediaConfig.transportConfig.port = 30000 + os.getpid() % 250 * 10
    phone = Phone(registrar, endpoint.audDevManager())
    phone.create(config, True)
    return phone


def obey(phone, order):
    """Carries out one order and says how it went."""
    name, order_id = order.pop("do"), order.pop("id")
    try:
        result = getattr(phone, f"do_{name}")(**order) or {}
    except (pj.Error, KeyError) as error:
        why = error.info() if isinstance(error, pj.Error) else repr(error)
        tell("failed", id=order_id, why=why)
    else:
        tell("done", id=order_id, **result)


def main():
    """Runs until stdin ends."""
    options = json.loads(sys.argv[1])
    endpoint = make_endpoint(options["host"], options["port"])
    phone = make_phone(endpoint, options["user"], options["host"], options["registrar"], options["registers"])
    orders = queue.SimpleQueue()

    def read_orders():
        for line in sys.stdin:
            orders.put(json.loads(line))
        orders.put(None)

    threading.Thread(target=read_orders, daemon=True).start()
    tell("ready")
    while True:
        endpoint.libHandleEvents(5)
        phone.tend()
        while not orders.empty():
            order = orders.get()
            if order is None:
                os._exit(0)  # the library's own tidy end takes a second and changes nothing
            obey(phone, order)


if __name__ == "__main__":
    main()

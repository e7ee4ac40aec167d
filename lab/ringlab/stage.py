"""What a shape acts on: phones, the outside world, the PBX, the program under test."""

import time

from .ami import Ami
from .ari import Ari
from .asterisk import MOBILE, TRUNK_HOST, Asterisk
from .check import Seen
from .diary import Diary
from .phones import Phone
from .proxy import Proxy
from .receiver import Receiver
from .waiting import pause, wait_for

NUMBERS = {"caller": "+491701111111", "caller2": "+491702222222", "mobile": MOBILE}

# Phone → the endpoint it registers as. `101b` is a second device of 101.
PHONES = {"101": "1001-101", "102": "1001-102", "103": "1001-103", "101b": "1001-101", "other101": "2002-101",
          "301": "3003-301", "302": "3003-302", "303": "3003-303"}
ALWAYS_ON = ("101", "102", "103", "other101")


class Stage:
    """One complete lab: Asterisk, AMI, phones, proxy, receiver and (if given) Ringbud."""

    caller, caller2, mobile = NUMBERS["caller"], NUMBERS["caller2"], NUMBERS["mobile"]

    def __init__(self, system, lab_dir, folder, make_ringbud=None, record=False, systemname=None):
        self.system, self.folder, self.diary = system, folder, Diary()
        self.asterisk = Asterisk(system, lab_dir, systemname)
        self.ringbud, self.receiver, self.proxy = None, Receiver(), None
        self.proxies = []
        self._ari = None
        self.tracker, self._phones, self.marks = None, {}, {}
        try:
            self.asterisk.start()
            self.ami = Ami(self.asterisk.ami_port, "lab", self.asterisk.lab_secret)
            self.ami.connect()
            if record:
                self.tracker = Ami(self.asterisk.ami_port, "ringbud", self.asterisk.ringbud_secret)
                self.tracker.connect()
            self.proxies = [Proxy(self.asterisk.ami_port) for _ in range(system.gateways)]
            self.proxy = self.proxies[0]
            self._start_phones(ALWAYS_ON + ("outside",))
            if make_ringbud:
                self.ringbud = make_ringbud(self)
                self.ringbud.start()
                self.wait_linked()
        except BaseException:
            self.stop()
            raise

    # --- Phones ---

    def _start_phones(self, names):
        made = [self._make_phone(name) for name in names]
        for phone in made:
            phone.start()

    def _make_phone(self, name):
        log = open(self.folder / f"phone-{name}.log", "ab")
        registrar = f"127.0.0.1:{self.asterisk.sip_port}"
        if name == "outside":
            phone = Phone(name, "trunk", registrar, self.diary, TRUNK_HOST, self.asterisk.trunk_port, False, log)
        else:
            phone = Phone(name, PHONES[name], registrar, self.diary, log=log)
        log.close()
        self._phones[name] = phone
        return phone

    def phone(self, name):
        """A phone by its name, started when first asked for."""
        if name not in self._phones:
            self._start_phones([name])
        return self._phones[name]

    @property
    def p101(self):
        """Anna's phone."""
        return self.phone("101")

    @property
    def p102(self):
        """Ben's phone."""
        return self.phone("102")

    @property
    def p103(self):
        """Cara's phone."""
        return self.phone("103")

    @property
    def other101(self):
        """Dora's phone: 101 of account 2002."""
        return self.phone("other101")

    @property
    def outside(self):
        """Everybody beyond the trunk: callers, and those who are called."""
        return self.phone("outside")

    # --- What shapes do besides phoning ---

    def endpoint(self, user):
        """A phone (`1001-101`) or the trunk as this PBX names it: what a dialplan or a program dials."""
        return self.system.endpoint(user)

    def call_in(self, number, caller=NUMBERS["caller"], name=None):
        """The outside calls a number of ours."""
        return self.outside.dial(number, caller, name)

    def talk(self, seconds=1.4):
        """People talk."""
        pause(seconds)

    def ringing(self, seconds=0.5):
        """Phones ring for a while."""
        pause(seconds)

    def mark(self, name, at=None):
        """Names a moment for the expectation."""
        self.marks[name] = at or time.time()

    @property
    def ari(self):
        """An application that steers calls, there from when it is first asked for to the end of the shape."""
        if self._ari is None:
            self._ari = Ari(self.asterisk.http_port, "lab", self.asterisk.lab_secret)
        return self._ari

    def trunk_channel(self, place=0):
        """The name of the trunk's channel of this shape."""
        return self._channel_of_trunk(place).name

    def trunk_channel_id(self, place=0):
        """Its id."""
        return self._channel_of_trunk(place).uniqueid

    def _channel_of_trunk(self, place):
        channels = wait_for(lambda: self.ami.channels_of(self.endpoint("trunk"), self._since)[place:], 5,
                            "a trunk channel")
        return channels[0]

    def wait_event(self, name, seconds=8, **headers):
        """Waits for an AMI event of this shape."""
        return self.ami.wait(name, self._events_since, seconds, **headers)

    # --- Failures ---

    def kill_asterisk(self):
        """SIGKILL."""
        self.diary.note("lab", "SIGKILL to Asterisk")
        self.asterisk.kill()
        wait_for(lambda: not self.ami.connected, 5, "the end of the lab's AMI connection")

    def start_asterisk(self):
        """Starts it again; phones register anew."""
        self.asterisk.start()
        self.asterisk_is_back()

    def asterisk_is_back(self):
        """Connects and registers again after Asterisk restarted."""
        self.ami.connect()
        if self.tracker:
            self.tracker.connect()
        self.diary.note("lab", "Asterisk is back")
        for phone in self._phones.values():
            if phone.registers:
                phone.register()

    def restart_asterisk(self):
        """`core restart now`: hangs everything up and begins anew, in the same process."""
        self.diary.note("lab", "core restart now")
        self.asterisk.console("core restart now")
        wait_for(lambda: not self.ami.connected, 10, "the end of the lab's AMI connection")
        self.asterisk.wait_ready()
        self.asterisk_is_back()

    def kill_ringbud(self):
        """SIGKILL."""
        self.diary.note("lab", "SIGKILL to ringbud")
        self.ringbud.kill()
        wait_for(lambda: not self.proxy.is_followed, 5, "the end of Ringbud's AMI connection")

    def start_ringbud(self):
        """Starts it again on the same data."""
        self.ringbud.start()
        self.wait_linked()
        self.diary.note("lab", "ringbud is back")

    def link(self, change):
        """Does something to the network between Ringbud and Asterisk (see `Proxy`)."""
        self.diary.note("lab", f"the link to AMI: {change}")
        getattr(self.proxy, change)()

    def wait_linked(self):
        """Waits until Ringbud is ready, and has asked the PBX what is up."""
        if self.ringbud:
            wait_for(lambda: self.ringbud.is_at_work(), 60,
                     lambda: f"ringbud to follow the PBX; its log ends:\n{self.ringbud.log_end()}")

    def wait_told(self, count):
        """Waits until Ringbud has told so many events of this shape, each counted once."""
        def told():
            return {request["headers"].get("webhook-id") for request in list(self.receiver.requests)}
        if self.ringbud:
            wait_for(lambda: len(told()) >= count, 5, f"{count} events")

    # --- From shape to shape ---

    def begin(self, name):
        """A shape begins: nothing of the last one counts."""
        self.ami.clear_channels()
        for phone in self._phones.values():
            phone.forget()
        self.receiver.requests.clear()
        self.marks = {}
        self._since, self._events_since = time.time(), len(self.ami.events)
        self._raw_since = len(self.ami.raw), len(self.tracker.raw) if self.tracker else 0
        self._link_since = len(self.proxy.heard)
        self.diary.start(name)

    def finish(self):
        """Everything is hung up and mended, whatever the shape left."""
        self.proxy.mend()
        self.receiver.answer_with = 200
        self._close_ari()
        if self.ringbud:
            if self.ringbud.has_ended():
                self.ringbud.start()
            self.wait_linked()
        for phone in self._phones.values():
            if any(not call.over_at for call in phone.calls):
                phone.order("hangs up what is left", "hang_up_all")
        self.ami.clear_channels()
        if "101b" in self._phones:
            second = self._phones.pop("101b")
            second.unregister()
            second.stop()

    def raw_streams(self):
        """The AMI bytes of this shape: the lab's, and the tracker's when recording."""
        own, tracker = self._raw_since
        return bytes(self.ami.raw[own:]), bytes(self.tracker.raw[tracker:]) if self.tracker else b""

    def link_stream(self):
        """What Ringbud read from AMI in this shape, answers to its own questions included."""
        return bytes(self.proxy.heard[self._link_since:])

    def events(self):
        """The AMI events of this shape."""
        return self.ami.events[self._events_since:]

    def seen(self):
        """What the lab saw of this shape, for the check."""
        calls = {}
        for phone in self._phones.values():
            if phone.registers:
                calls.setdefault(tuple(phone.user.split("-")), []).extend(phone.calls)
        channels = {c.uniqueid: c.endpoint for c in self.ami.channels.values() if c.began_at >= self._since - 0.05}
        return Seen(calls, channels, NUMBERS, self.marks, self.system.technology)

    def _close_ari(self):
        if self._ari:
            self._ari.close()
            self._ari = None

    def stop(self):
        """Ends every process."""
        self._close_ari()
        if self.ringbud:
            self.ringbud.stop()
        for phone in self._phones.values():
            phone.stop()
        for proxy in self.proxies:
            proxy.stop()
        self.asterisk.stop()
        self.receiver.stop()

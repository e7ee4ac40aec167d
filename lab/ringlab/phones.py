"""The lab's side of a phone: a process to talk to, and its calls with what they went through."""

import itertools
import json
import pathlib
import subprocess
import sys
import threading
import time

from . import children
from .waiting import NotInTime, something_happened, wait_for

PROCESS = pathlib.Path(__file__).with_name("phone_process.py")


class PhoneCall:
    """One call at one phone. The `…_at` are when this phone sent or saw it (Unix time)."""

    def __init__(self, phone, number, dialled, other, direction):
        self.phone, self.number = phone, number
        self.dialled, self.other, self.direction = dialled, other, direction
        self.began_at = time.time()
        self.rang_at = self.answered_at = self.up_at = self.over_at = None
        self.code, self.held, self.transfer_code, self.taken = None, False, None, False

    def __str__(self):
        return f"{self.phone.name}'s call with {self.other}"

    # --- An incoming call ---

    def ring(self):
        """180: the phone rings."""
        self._reply(180, "rings")
        self.rang_at = self.rang_at or time.time()
        return self

    def early_media(self):
        """183 with SDP."""
        self._reply(183, "sends early media")
        return self

    def answer(self, wait=True):
        """200; returns when the call is up. `wait=False` does not even look whether it could."""
        self.answered_at = time.time()
        self._reply(200, "answers", wait=wait)
        return self.wait_up() if wait else self

    def refuse(self, code=486):
        """A final answer that is no 200."""
        self._reply(code, f"refuses with {code}")
        return self.wait_over()

    def redirect(self, number):
        """302 to another number."""
        self._reply(302, f"redirects to {number}", contact=number)
        return self.wait_over()

    def _reply(self, code, what, **more):
        self.phone.order(what, "reply", call=self.number, code=code, **more)

    # --- A call that is up ---

    def hold(self):
        """Puts the other side on hold."""
        self.phone.order(f"holds {self.other}", "hold", call=self.number)
        self._wait(lambda: self.held, "hold")
        return self

    def unhold(self):
        """Takes the other side back from hold."""
        self.phone.order(f"takes {self.other} back", "unhold", call=self.number)
        self._wait(lambda: not self.held, "be taken back from hold")
        return self

    def keys(self, digits):
        """Presses keys (RFC 2833)."""
        self.phone.order(f"keys {digits}", "keys", call=self.number, digits=digits)
        return self

    def transfer(self, number):
        """Blind transfer: REFER to a number. Returns when the PBX said that it tries."""
        self.phone.order(f"transfers {self.other} to {number}", "transfer", call=self.number, to=number)
        return self._wait(lambda: self.transfer_code, "hear of the transfer")

    def wait_transfer_failed(self):
        """Waits until the PBX said that the transfer failed."""
        return self._wait(lambda: self.transfer_code >= 300, "hear that the transfer failed")

    def join(self, other):
        """Attended transfer: REFER with Replaces, this call's far end to the other call's."""
        self.phone.order(f"joins {self.other} to {other.other}", "join", call=self.number, other=other.number)
        return self._wait(lambda: self.transfer_code, "hear of the transfer")

    def hang_up(self):
        """BYE, CANCEL or 603, as it stands."""
        self.phone.order(f"hangs up on {self.other}", "hang_up", call=self.number)
        return self.wait_over()

    # --- Waiting ---

    def wait_up(self, seconds=8):
        """Waits until the call is up."""
        return self._wait(lambda: self.up_at, "be up", seconds)

    def wait_ringing(self, seconds=8):
        """Waits until the far end is heard to ring (a dialled call)."""
        return self._wait(lambda: self.rang_at, "ring", seconds)

    def wait_over(self, seconds=12):
        """Waits until the call is over."""
        return self._wait(lambda: self.over_at, "be over", seconds)

    def _wait(self, look, what, seconds=8):
        def still_on():
            if self.over_at and not look():
                raise NotInTime(f"{self} was over ({self.code}) before it could {what}")
            return look()
        wait_for(still_on, seconds, f"{self} to {what}")
        return self


class Phone:
    """A phone process. `name` is what the lab calls it, `user` what it registers as."""

    def __init__(self, name, user, registrar, diary, host="127.0.0.1", port=0, registers=True, log=None):
        self.name, self.user, self.diary = name, user, diary
        self.calls = []
        self._ids, self._replies = itertools.count(1), {}
        self._ready = self._registered = self._gone = False
        options = {"user": user, "host": host, "port": port, "registrar": registrar, "registers": registers}
        self.process = children.spawn([sys.executable, str(PROCESS), json.dumps(options)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=log or subprocess.DEVNULL, text=True, bufsize=1)
        threading.Thread(target=self._read, daemon=True).start()
        self.registers = registers

    def start(self):
        """Waits until the process is there and registered."""
        wait_for(lambda: self._ready or self._gone, 15, f"the process of phone {self.name}")
        if self.registers:
            self.register()
        return self

    def register(self):
        """REGISTER, and waits for the 200."""
        self._registered = False
        self.order("registers", "register")
        wait_for(lambda: self._registered, 8, f"{self.name} to be registered")

    def unregister(self):
        """Takes the registration back: the phone is off."""
        self._registered = True
        self.order("unregisters", "register", on=False)
        wait_for(lambda: not self._registered, 8, f"{self.name} to be unregistered")

    def dial(self, number, caller=None, name=None):
        """Places a call and returns it at once; `caller` is the number shown (trunk only)."""
        call = PhoneCall(self, None, number, number, "out")
        self.calls.append(call)
        reply = self.order(f"dials {number}" + (f" as {caller}" if caller else ""), "dial",
                           to=number, caller=caller, name=name, _call=call)
        call.number = reply["call"]
        return call

    def dialog_of(self, call):
        """What names a call of this phone to the PBX: what a lamp key says that it replaces."""
        dialog = self.order("shows its dialog", "dialog", call=call.number)
        return [dialog["call_id"], dialog["far_tag"], dialog["own_tag"]]

    def take(self, number, dialog):
        """Presses the lamp key that watches `number`: an INVITE that replaces that phone's call."""
        call = PhoneCall(self, None, number, number, "out")
        self.calls.append(call)
        reply = self.order(f"presses the lamp key of {number}", "take", to=number, dialog=dialog, _call=call)
        call.number = reply["call"]
        return call

    def wait_call(self, seconds=8):
        """Waits for the next incoming call that nobody took yet. It does not ring by itself."""
        def next_call():
            return next((c for c in self.calls if c.direction == "in" and not c.taken), None)
        call = wait_for(next_call, seconds, f"a call to {self.name}")
        call.taken = True
        return call

    def no_call(self):
        """Whether no incoming call is there that nobody took."""
        return not any(c.direction == "in" and not c.taken for c in self.calls)

    def forget(self):
        """Ends what is left of the last shape."""
        if any(not call.over_at for call in self.calls):
            self.order("hangs up what is left", "hang_up_all")
        self.calls = []

    def stop(self):
        """Ends the process."""
        children.end(self.process)

    def order(self, what, do, seconds=5, wait=True, _call=None, **details):
        """Sends an order, waits until it was carried out, and writes it into the diary."""
        order_id = next(self._ids)
        if _call:
            self._replies[order_id] = _call
        self.diary.note(self.name, what)
        self.process.stdin.write(json.dumps({"do": do, "id": order_id, **details}) + "\n")
        if not wait:
            return None
        reply = wait_for(lambda: self._take_reply(order_id), seconds, f"{self.name} to do: {what}")
        if reply["event"] == "failed":
            raise RuntimeError(f"{self.name} could not do: {what}: {reply['why']}")
        return reply

    def _take_reply(self, order_id):
        reply = self._replies.get(order_id)
        return self._replies.pop(order_id) if isinstance(reply, dict) else None

    def _read(self):
        for line in self.process.stdout:
            self._take(json.loads(line))
            something_happened()
        self._gone = True
        something_happened()

    def _take(self, told):
        event, at = told["event"], told["at"]
        if event in ("done", "failed"):
            waiting = self._replies.get(told["id"])
            if isinstance(waiting, PhoneCall):
                waiting.number = told.get("call")
            self._replies[told["id"]] = told
        elif event == "ready":
            self._ready = True
        elif event in ("registered", "not-registered"):
            self._registered = event == "registered" and told["expires"] > 0
        elif event == "incoming":
            call = PhoneCall(self, told["call"], told["dialled"], told["other"], "in")
            call.began_at = at
            self.calls.append(call)
            self.diary.note(self.name, f"INVITE from {told['other']}", at)
        else:
            self._take_of_call(event, at, told)

    def _take_of_call(self, event, at, told):
        call = next((c for c in self.calls if c.number == told["call"] and not c.over_at), None)
        if call is None:
            return
        if event == "progress" and call.direction == "out" and told["code"] == 180:
            call.rang_at = call.rang_at or at
        elif event == "up":
            call.up_at = at
            self.diary.note(self.name, f"call with {call.other} is up", at)
        elif event == "over":
            call.over_at, call.code = at, told["code"]
            self.diary.note(self.name, f"call with {call.other} is over ({told['code']} {told['reason']})", at)
        elif event == "media":
            call.held = told["held"]
        elif event == "transfer":
            call.transfer_code = told["code"]
            self.diary.note(self.name, f"is told how the transfer goes: {told['code']} {told['reason']}", at)

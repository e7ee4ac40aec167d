"""Two gateways that share a store, and follow the same PBX: one has it, the other reads beside it.

To a stage they are like one Ringbud. While a shape is played one of them is killed or told to stop, at a moment of
chance, and started again, but only while the other misses nothing.
"""

import concurrent.futures
import random
import threading
import time

from .engine import Engine
from .ringbud import PBX_NAME, Ringbud
from .waiting import wait_for

JOURNAL = """
[journal]
url = "{url}"
name = "{name}"
allow_unreplicated = true
share_pbxs = true
"""
NAMES = ("one", "two")  # in the order in which the PBX is theirs when both are there
# What a gateway says of the PBX, and whether it could tell all that happens on it from then on.
STATES = {"this gateway has the PBX now": True, "this gateway could have the PBX now and miss nothing": True,
          "the PBX is handed over": False, "this gateway listens to the PBX beside the one that has it": False}
FIRST_SECONDS, AWAY_SECONDS, AGAIN_SECONDS = 1.5, 2.0, 1.0  # at most


class Gateway(Ringbud):
    """One of them."""

    said_before = 0  # bytes of its log from before it was started last

    def start(self):
        self.said_before = self.log.stat().st_size if self.log.exists() else 0
        super().start()

    def misses_nothing(self):
        """Whether it has the PBX, or could have it at once."""
        if self.has_ended() or not self.is_at_work():
            return False
        said = self._said()
        last = max(STATES, key=said.rfind)
        return last in said and STATES[last]

    def _said(self):
        said = self.log.read_bytes()[self.said_before:].decode(errors="replace")
        return "\n".join(line for line in said.splitlines() if f"pbx={PBX_NAME}" in line)

    def has_the_pbx(self):
        """Whether it is the one that keeps and sends."""
        said = self._said()
        return said.rfind("this gateway has the PBX now") > said.rfind("the PBX is handed over")


class Gateways:
    """The two of them."""

    def __init__(self, binary, folder, proxies, secret, receiver, technology):
        self.engine = Engine()
        self.did = []
        (folder / "key").write_text("a key that both have")
        self.each = []
        for name, proxy in zip(NAMES, proxies):
            more = JOURNAL.format(url=self.engine.url, name=name)
            self.each.append(Gateway(binary, folder / name, proxy, secret, receiver, technology,
                                     f'secret_key_file = "{folder / "key"}"\n', more))
        # Whoever starts a process has to live as long as it does; see `children.spawn`.
        self._hand = concurrent.futures.ThreadPoolExecutor(1)
        self._enough = threading.Event()

    @property
    def log(self):
        """For messages: the first's."""
        return self.each[0].log

    def log_end(self, lines=15):
        """The last lines of both."""
        return "\n".join(f"{name}:\n{one.log_end(lines)}" for name, one in zip(NAMES, self.each))

    def start(self):
        """Starts those that do not run."""
        for one in self.each:
            if one.has_ended():
                self._hand.submit(one.start).result()

    def has_ended(self):
        """Whether one of them does not run."""
        return any(one.has_ended() for one in self.each)

    def is_at_work(self):
        """Whether both could tell all that happens."""
        return all(one.misses_nothing() for one in self.each)

    def set_mode(self, mode):
        """See `Ringbud.set_mode`."""
        first = self.each[0]
        if first.token is None:
            first.create_token()
        for one in self.each:
            # At both: what is said to one the other knows up to a second later.
            one.token = first.token
            one.set_mode(mode)

    def begin_unrest(self, seed):
        """Begins to kill and stop them, one at a time."""
        self.did, chance = [], random.Random(seed)
        self._enough.clear()
        self._unrest = self._hand.submit(self._disturb, chance, time.monotonic())

    def end_unrest(self):
        """Ends it; both are whole afterwards. Says what was done."""
        self._enough.set()
        self._unrest.result(90)
        return ", ".join(self.did)

    def _disturb(self, chance, began):
        pause = chance.uniform(0, FIRST_SECONDS)
        while not self._enough.wait(pause):
            first, second = self.each
            # While the PBX is on its way to the first, who gave it does not read it any more.
            one = chance.choice(self.each) if first.has_the_pbx() else second
            how = chance.choice(("kill", "stop"))
            had, other = one.has_the_pbx(), second if one is first else first
            at = time.monotonic() - began
            getattr(one, how)()
            down = time.monotonic() - began
            if had:
                # One that is back before it is missed has its PBX at once, as after a restart on one machine.
                wait_for(other.has_the_pbx, 20, lambda: f"the other to have the PBX; {self.log_end()}")
            self._enough.wait(chance.uniform(0, AWAY_SECONDS))
            one.start()
            wait_for(self.is_at_work, 60, lambda: f"both gateways to be whole again; {self.log_end()}")
            done = "killed" if how == "kill" else f"stopped (in {down - at:.1f} s)"
            which = "the one that had the PBX" if had else "the second reader"
            self.did.append(f"{at:.1f} s: {which} was {done}, and whole again at {time.monotonic() - began:.1f} s")
            pause = chance.uniform(0, AGAIN_SECONDS)

    def kill(self):
        """SIGKILL to both."""
        for one in self.each:
            one.kill()

    def stop(self):
        """Stops both, and their store."""
        for one in self.each:
            one.stop()
        self._hand.shutdown()
        self.engine.stop()

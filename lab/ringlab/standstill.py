"""Notices when the machine, or its disk, stands still: what comes late by as much says nothing about Ringbud."""

import os
import threading
import time

NAP_SECONDS = 0.1
# Shorter ones explain nothing that is late.
SHORTEST_SECONDS = 0.3


class Standstills:
    """Writes a byte to the disk ten times a second, in a thread of its own, and keeps when that took long."""

    def __init__(self, place):
        self._all = []
        file = os.open(place, os.O_CREAT | os.O_WRONLY)
        threading.Thread(target=self._watch, args=(file,), daemon=True).start()

    def _watch(self, file):
        before = time.monotonic()
        while True:
            time.sleep(NAP_SECONDS)
            os.pwrite(file, b"!", 0)
            os.fdatasync(file)
            now = time.monotonic()
            if now - before > NAP_SECONDS + SHORTEST_SECONDS:
                self._all.append((before, now))
            before = now

    def seconds_since(self, began):
        """How long all since then took together."""
        return sum(ended - max(start, began) for start, ended in list(self._all) if ended > began)

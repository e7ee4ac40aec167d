"""What happened in one shape, step by step, as the lab itself saw it."""

import threading
import time


class Diary:
    """Steps of the running shape: (when, who, what). Any thread may add to it."""

    def __init__(self):
        self._lock = threading.Lock()
        self.start("")

    def start(self, name):
        """A new shape begins."""
        with self._lock:
            self.name, self.began_at, self.steps = name, time.time(), []

    def note(self, who, what, at=None):
        """Adds a step."""
        with self._lock:
            self.steps.append({"at": round(at or time.time(), 3), "who": who, "what": what})

    def lines(self):
        """The steps for people, with seconds since the shape began."""
        return [f"{step['at'] - self.began_at:7.3f} {step['who']}: {step['what']}"
                for step in sorted(self.steps, key=lambda step: step["at"])]

"""Waiting for something that happens in another thread, always with a limit.

One condition serves the whole lab: every reader thread (phones, AMI, receiver)
calls `something_happened` after it changed what others may wait for.
"""

import threading
import time

# The longest nap bounds what a change made without a notice can cost.
NAP_SECONDS = 0.25

_changed = threading.Condition(threading.RLock())


class NotInTime(Exception):
    """What was waited for did not happen; the text says what it was."""


def something_happened():
    """Wakes everybody who waits, so that they look again."""
    with _changed:
        _changed.notify_all()


def wait_for(look, seconds, what):
    """Calls `look` whenever something happened until it gives something true, and returns that.

    Time in which the machine stood still is counted as one nap: nobody else did anything in it either.
    """
    left = seconds
    with _changed:
        while True:
            looked = time.monotonic()
            found = look()
            if found:
                return found
            left -= time.monotonic() - looked
            if left <= 0:
                text = what() if callable(what) else what
                raise NotInTime(f"waited {seconds:g} s in vain for {text}")
            asleep = time.monotonic()
            _changed.wait(min(left, NAP_SECONDS))
            left -= min(time.monotonic() - asleep, 2 * NAP_SECONDS)


def pause(seconds):
    """Lets time pass in a call: people talk, phones ring. Never used to wait for an event."""
    time.sleep(seconds)

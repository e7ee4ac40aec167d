"""The lab's own AMI connection: records the raw stream, knows the channels, sends actions.

It shares no code with Ringbud, so that what it saw is evidence.
"""

import itertools
import socket
import threading
import time

from .waiting import NotInTime, something_happened, wait_for


class Channel:
    """A channel as AMI told of it."""

    def __init__(self, event):
        self.name = event["Channel"]
        self.endpoint = self.name.rsplit("-", 1)[0] if "-" in self.name else self.name
        self.uniqueid = event["Uniqueid"]
        self.began_at = float(event.get("Timestamp") or time.time())
        self.over = False


class Ami:
    """A connection that a thread reads until it ends; `connect` again after a restart."""

    def __init__(self, port, username, secret):
        self.port, self.username, self.secret = port, username, secret
        self.events = []
        self.channels = {}
        self.raw = bytearray()
        self.connected = False
        self._socket = None
        self._ids = itertools.count(1)
        self._responses = {}

    def connect(self):
        """Logs in and starts to read. Channels of an earlier connection count as gone.

        A PBX that restarts may take connections and drop them at once, hence the tries.
        """
        for channel in self.channels.values():
            channel.over = True
        wait_for(self._try_to_connect, 20, "AMI to let the lab log in")

    def _try_to_connect(self):
        since = len(self.events)
        try:
            self._socket = socket.create_connection(("127.0.0.1", self.port), 5)
            self._socket.settimeout(None)
            self.connected = True
            threading.Thread(target=self._read, args=(self._socket,), daemon=True).start()
            self.action("Login", Username=self.username, Secret=self.secret)
            self.wait("FullyBooted", since, 20)
        except (OSError, NotInTime):
            self.close()
            return False
        return True

    def close(self):
        """Ends the connection."""
        if self._socket:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)  # who reads it hears of the end
            except OSError:
                pass
            self._socket.close()

    def _read(self, connection):
        rest = b""
        while True:
            try:
                got = connection.recv(65536)
            except OSError:
                got = b""
            if not got:
                break
            self.raw += got
            *whole, rest = (rest + got).split(b"\r\n\r\n")
            for text in whole:
                self._take(text.decode(errors="replace"))
            something_happened()
        if connection is self._socket:
            self.connected = False
        something_happened()

    def _take(self, text):
        lines = [line.split(":", 1) for line in text.split("\r\n") if ":" in line]
        event = {key: value.strip() for key, value in lines}
        if "Event" not in event:
            if "ActionID" in event:
                self._responses[event["ActionID"]] = event
            return
        self.events.append(event)
        if event["Event"] == "Newchannel":
            self.channels[event["Uniqueid"]] = Channel(event)
        elif event["Event"] == "Hangup" and event.get("Uniqueid") in self.channels:
            self.channels[event["Uniqueid"]].over = True

    def action(self, name, seconds=5, **headers):
        """Sends an action and returns its response; an `Error` raises."""
        action_id = self.send(name, **headers)
        response = wait_for(lambda: self._responses.pop(action_id, None) or self._fail_if_gone(), seconds,
                            f"AMI's answer to {name}")
        if response.get("Response") == "Error":
            raise RuntimeError(f"AMI refused {name}: {response.get('Message')}")
        return response

    def send(self, name, **headers):
        """Sends an action without waiting; returns its ActionID."""
        action_id = f"lab-{next(self._ids)}"
        lines = [f"Action: {name}", f"ActionID: {action_id}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return action_id

    def wait(self, event_name, since=0, seconds=8, **headers):
        """Waits for an event (from position `since` of `events`) with these header values; a
        header given as a function is asked whether it likes the value."""
        def fits(event):
            if event["Event"] != event_name:
                return False
            return all(want(event.get(key, "")) if callable(want) else event.get(key) == want
                       for key, want in headers.items())
        return wait_for(lambda: next((e for e in self.events[since:] if fits(e)), None) or self._fail_if_gone(),
                        seconds, f"AMI's {event_name} {headers or ''}")

    def _fail_if_gone(self):
        if not self.connected:
            raise NotInTime("the lab's AMI connection ended")

    def channels_of(self, endpoint, since=0.0):
        """Channels of an endpoint that began after `since`, in the order they began."""
        return [c for c in self.channels.values() if c.endpoint == endpoint and c.began_at >= since]

    def clear_channels(self):
        """Waits until no channel is up; hangs up what stays."""
        def all_over():
            return all(channel.over for channel in list(self.channels.values()))
        try:
            wait_for(all_over, 1.5, "all channels to end")
        except NotInTime:
            self.action("Hangup", Channel="/^.*/")
            wait_for(all_over, 5, "all channels to end after they were hung up")

"""A small program that steers calls by Asterisk's REST interface, as applications in the field do.

An application is there for Asterisk as long as its connection for events is open. A thread reads there which channels
are the application's (`StasisStart`, `StasisEnd`): a phone hears that its call is answered before Asterisk gives the
channel to the application, and refuses what is asked of it until then. All else the shapes wait for they see by AMI and
at the phones.
"""

import base64
import json
import os
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request

APP = "ringlab"
# So long a channel may take to come to the application.
GIVEN_WITHIN = 10


class Ari:
    """The connection of one application; `close` ends it."""

    def __init__(self, port, user, secret):
        self.base = f"http://127.0.0.1:{port}/ari"
        self.credentials = base64.b64encode(f"{user}:{secret}".encode()).decode()
        self._own = set()
        self._changed = threading.Condition()
        self._events = self._listen(port)

    def _listen(self, port):
        """Opens the websocket by which Asterisk knows the application."""
        key = base64.b64encode(os.urandom(16)).decode()
        connection = socket.create_connection(("127.0.0.1", port), 5)
        connection.sendall((f"GET /ari/events?app={APP} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Protocol: ari\r\nAuthorization: Basic {self.credentials}\r\n\r\n").encode())
        stream = connection.makefile("rb")
        answer = stream.readline()
        if b" 101 " not in answer:
            raise RuntimeError(f"no connection for ARI's events: {answer[:200]!r}")
        while stream.readline().strip():
            pass
        connection.settimeout(None)
        threading.Thread(target=self._hear, args=(stream,), daemon=True).start()
        return connection

    def _hear(self, stream):
        """Notes which channels are the application's, until the connection ends."""
        try:
            for text in messages(stream):
                event = json.loads(text)
                with self._changed:
                    if event.get("type") == "StasisStart":
                        self._own.add(event["channel"]["id"])
                    elif event.get("type") == "StasisEnd":
                        self._own.discard(event["channel"]["id"])
                    self._changed.notify_all()
        except (OSError, ValueError):
            pass

    def close(self):
        """The application goes."""
        self._events.close()

    def post(self, path, **query):
        """One POST; what came back, if anything."""
        url = f"{self.base}/{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, method="POST", headers={"Authorization": f"Basic {self.credentials}"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"ARI refused {path}: {error.code} {error.read()[:200]!r}") from error
        return json.loads(body) if body else None

    # --- What an application does ---

    def bridge(self):
        """A bridge of two."""
        return self.post("bridges", type="mixing")["id"]

    def given(self, channel):
        """Waits until a channel is the application's."""
        with self._changed:
            if not self._changed.wait_for(lambda: channel in self._own, GIVEN_WITHIN):
                raise RuntimeError(f"{channel} did not come to the application within {GIVEN_WITHIN} s")

    def join(self, bridge, channel):
        """Brings a channel into a bridge, once it is the application's."""
        self.given(channel)
        self.post(f"bridges/{bridge}/addChannel", channel=channel)

    def ring(self, endpoint, caller, originator=None):
        """Rings an endpoint, for the channel `originator` if one is named; gives the new channel's id."""
        more = {"originator": originator} if originator else {}
        return self.post("channels", endpoint=endpoint, app=APP, callerId=caller, timeout=20, **more)["id"]


def messages(stream):
    """The texts of a websocket's messages, as a server sends them: unmasked, perhaps in several frames."""
    text = b""
    while head := stream.read(2):
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(stream.read(2), "big")
        elif length == 127:
            length = int.from_bytes(stream.read(8), "big")
        payload = stream.read(length)
        # Pings, pongs and closes may stand between the frames of a text.
        if head[0] & 0x08:
            continue
        text += payload
        if head[0] & 0x80:
            yield text.decode()
            text = b""

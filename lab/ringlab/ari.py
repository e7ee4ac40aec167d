"""A small program that steers calls by Asterisk's REST interface, as applications in the field do.

It knows no events: an application is there for Asterisk as long as its connection for events is open, which a thread
reads and throws away. What the shapes wait for they see by AMI and at the phones.
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


class Ari:
    """The connection of one application; `close` ends it."""

    def __init__(self, port, user, secret):
        self.base = f"http://127.0.0.1:{port}/ari"
        self.credentials = base64.b64encode(f"{user}:{secret}".encode()).decode()
        self._events = self._listen(port)

    def _listen(self, port):
        """Opens the websocket by which Asterisk knows the application."""
        key = base64.b64encode(os.urandom(16)).decode()
        connection = socket.create_connection(("127.0.0.1", port), 5)
        connection.sendall((f"GET /ari/events?app={APP} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Protocol: ari\r\nAuthorization: Basic {self.credentials}\r\n\r\n").encode())
        answer = connection.recv(4096)
        if b" 101 " not in answer.split(b"\r\n")[0]:
            raise RuntimeError(f"no connection for ARI's events: {answer[:200]!r}")
        connection.settimeout(None)
        threading.Thread(target=self._drain, args=(connection,), daemon=True).start()
        return connection

    @staticmethod
    def _drain(connection):
        try:
            while connection.recv(65536):
                pass
        except OSError:
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

    def join(self, bridge, channel):
        """Brings a channel into a bridge."""
        self.post(f"bridges/{bridge}/addChannel", channel=channel)

    def ring(self, endpoint, caller, originator=None):
        """Rings an endpoint, for the channel `originator` if one is named; gives the new channel's id."""
        more = {"originator": originator} if originator else {}
        return self.post("channels", endpoint=endpoint, app=APP, callerId=caller, timeout=20, **more)["id"]

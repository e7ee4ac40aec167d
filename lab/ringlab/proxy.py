"""The network between Ringbud and Asterisk's AMI: passes bytes, freezes, or is cut.

It also sees, from outside, whether Ringbud follows the PBX: after it connected it must have asked
what is up, and got the whole answer.
"""

import re
import socket
import threading

from .waiting import something_happened

_CHANNELS_ARE_LISTED = re.compile(rb"\nEvent: (CoreShowChannels|Status)Complete\r")


class Proxy:
    """A TCP relay on loopback. `freeze`: bytes stand still, no end of file is seen.
    `strand`: the same for the connections there are, while new ones work. `cut`: every connection
    ends and new ones are closed at once. `mend`: all is well again (what was stranded stays so)."""

    def __init__(self, to_port):
        self.to_port = to_port
        self.heard = bytearray()  # all that Ringbud was let read, for `ringbud replay`
        self.is_followed = False
        self._flows = threading.Event()
        self._flows.set()
        self._is_cut = False
        self._sockets, self._stranded, self._newest = [], set(), None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self):
        """Holds back everything, in both directions."""
        self._flows.clear()

    def strand(self):
        """Leaves today's connections frozen for good: the far host lost its memory of them."""
        with self._lock:
            self._stranded.update(self._sockets)
            self.is_followed = False

    def cut(self):
        """Ends all connections and takes no new ones."""
        self._is_cut, self.is_followed = True, False
        with self._lock:
            gone, self._sockets = self._sockets, []
        for one in gone:
            _close(one)

    def mend(self):
        """Lets bytes and new connections through again."""
        self._is_cut = False
        self._flows.set()

    def stop(self):
        """Closes everything."""
        _close(self._listener)
        self.cut()
        self._flows.set()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                if self._is_cut:
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self.to_port), 5)
            except ConnectionRefusedError:
                _close(near)
                continue
            except OSError:
                return
            far.settimeout(None)
            with self._lock:
                self._sockets += [near, far]
                self._newest = far
            for source, sink, heard in ((near, far, None), (far, near, self.heard)):
                threading.Thread(target=self._relay, args=(source, sink, heard), daemon=True).start()

    def _relay(self, source, sink, heard):
        try:
            while data := source.recv(65536):
                self._flows.wait()
                if source not in self._stranded:
                    sink.sendall(data)
                    if heard is not None:
                        heard += data
                        self._look(source, data)
        except OSError:
            pass
        if heard is not None and source is self._newest:
            self.is_followed = False
        _close(source)
        _close(sink)


    def _look(self, source, data):
        # Of what is up, the channels are asked for last.
        heard = bytes(self.heard[-len(data) - 64:])
        if source is self._newest and _CHANNELS_ARE_LISTED.search(heard):
            self.is_followed = True
            something_happened()


def _close(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()

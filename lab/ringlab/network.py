"""A network of a stage's own: a loopback on which nobody else has a port."""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def isolate():
    """Moves this process into a network namespace of its own, with loopback up.

    Gives the reason where the machine does not let it, and "" where it did. Call it before any
    thread is started: the kernel moves the calling thread only, and what that starts later.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        return os.strerror(ctypes.get_errno())
    loopback_up()
    return ""


def loopback_up():
    """Switches the loopback of a new network namespace on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = struct.pack("16sH14x", b"lo", 0)
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, name))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def why_not():
    """Why this machine gives no namespaces, tried by a process that is there for nothing else; "" where it does."""
    tried = subprocess.run([sys.executable, "-c", "import ringlab.network as n, sys; sys.exit(n.isolate() or 0)"],
                           capture_output=True, text=True)
    return tried.stderr.strip()

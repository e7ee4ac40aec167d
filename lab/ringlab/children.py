"""Child processes that never outlive the lab, and ports that nobody uses."""

import ctypes
import random
import signal
import socket
import subprocess

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_given_ports = set()


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(argv, **options):
    """Starts a program that Ctrl-C does not reach and that the kernel kills when we are gone.

    Call it from the main thread only: the kernel counts the starting thread as the parent.
    """
    return subprocess.Popen(argv, start_new_session=True, preexec_fn=_die_with_parent, **options)


def end(process, seconds=3):
    """Asks a program to stop, and kills it if it does not."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process)


def kill(process):
    """SIGKILL, and waits until the program is gone."""
    if process is not None and process.poll() is None:
        process.kill()
        process.wait(5)


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """A port nobody listens on, from below the range the kernel hands out by itself."""
    for _ in range(500):
        port = random.randrange(10000, 19000)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        if port not in _given_ports:
            _given_ports.add(port)
            return port
    raise RuntimeError("found no free port between 10000 and 19000")


def rtp_range(ports=200):
    """First and last port for Asterisk's media; Asterisk itself skips those in use."""
    first = 20000 + random.randrange(0, 40) * ports
    return first, first + ports - 1

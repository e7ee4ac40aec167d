"""A real Asterisk in a run folder of its own: rendered, started, stopped, killed, restarted."""

import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess

from . import children
from .waiting import NotInTime, wait_for

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / "asterisk"
# Inside the Debian folder, so that the path is the same before and after the chroot.
RUNS = pathlib.PurePosixPath("srv/ringlab")
TRUNK_HOST = "127.0.0.2"
MOBILE = "+491758888888"


class Asterisk:
    """One Asterisk process, on loopback ports that no other run uses."""

    def __init__(self, system, lab_dir, systemname=None):
        self.system, self.root = system, system.tree(lab_dir)
        _sweep(self.root / RUNS)
        name = f"{os.getpid()}-{secrets.token_hex(3)}"
        self.inside = pathlib.PurePosixPath("/") / RUNS / name
        self.folder = self.root / RUNS / name
        self.sip_port = children.free_port(socket.SOCK_DGRAM)
        self.ami_port = children.free_port()
        self.http_port = children.free_port()
        self.trunk_port = children.free_port(socket.SOCK_DGRAM, TRUNK_HOST)
        self.ringbud_secret = secrets.token_hex(8)
        self.lab_secret = secrets.token_hex(8)
        self.systemname = systemname
        self.process = None
        self._render()

    def _render(self):
        rtp_first, rtp_last = children.rtp_range()
        modules = next(self.root.glob("usr/lib/**/asterisk/modules"))
        words = {
            **self.system.words(modules),
            "run": str(self.inside),
            "modules": "/" + str(modules.relative_to(self.root)),
            "sip_port": self.sip_port,
            "ami_port": self.ami_port,
            "http_port": self.http_port,
            "ringbud_secret": self.ringbud_secret,
            "lab_secret": self.lab_secret,
            "rtp_first": rtp_first,
            "rtp_last": rtp_last,
            "trunk_host": TRUNK_HOST,
            "trunk_port": self.trunk_port,
            "mobile": MOBILE,
            "systemname_line": f"systemname = {self.systemname}" if self.systemname else "",
        }
        for part in ("etc", "lib/silence", "spool", "run", "log", "cache"):
            (self.folder / part).mkdir(parents=True)
        for template in [*TEMPLATES.glob("*.conf"), *(TEMPLATES / self.system.asterisk).glob("*.conf")]:
            text = re.sub(r"\{\{(\w+)\}\}", lambda m: str(words[m[1]]), self.system.spelt(template.read_text()))
            (self.folder / "etc" / template.name).write_text(text)

    def start(self):
        """Starts the process; AMI and SIP answer a moment later (see `wait_ready`)."""
        with open(self.folder / "log" / "console", "ab") as console:
            self.process = children.spawn(
                ["chroot", str(self.root), "asterisk", "-f", "-C", f"{self.inside}/etc/asterisk.conf"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, cwd="/")
        self.wait_ready()

    def wait_ready(self):
        """Waits until AMI takes connections."""
        wait_for(self._ami_open, 20, lambda: f"Asterisk to open AMI; its log ends:\n{self.log_end()}")

    def _ami_open(self):
        if self.process.poll() is not None:
            raise NotInTime(f"Asterisk ended with {self.process.returncode}; its log ends:\n{self.log_end()}")
        try:
            socket.create_connection(("127.0.0.1", self.ami_port), 1).close()
            return True
        except OSError:
            return False

    def log_end(self, lines=15):
        """The last lines Asterisk wrote, for error messages."""
        text = "".join(path.read_text(errors="replace")
                       for path in sorted((self.folder / "log").glob("*")) if path.is_file())
        return "\n".join(text.splitlines()[-lines:])

    def console(self, command):
        """Types a command at Asterisk's console."""
        subprocess.run(["chroot", str(self.root), "asterisk", "-C", f"{self.inside}/etc/asterisk.conf",
                        "-rx", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, cwd="/")

    def kill(self):
        """SIGKILL: no Hangup, no Shutdown, just the end of the connection."""
        children.kill(self.process)

    def stop(self):
        """Ends the process and removes its run folder."""
        children.end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def _sweep(runs):
    """Removes run folders whose lab is gone (it was killed before it could do so)."""
    for folder in runs.glob("*-*"):
        pid = folder.name.split("-")[0]
        if pid.isdigit() and not pathlib.Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)

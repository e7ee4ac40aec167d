"""The program under test, run as a customer would: a config file, a token, its REST API."""

import json
import pathlib
import subprocess
import urllib.error
import urllib.request

from . import children
from .waiting import NotInTime

PBX_NAME = "pbx1"
ACCOUNTS = {"1001": "First Example Ltd", "2002": "Second Example Ltd", "3003": "Third Example Ltd"}

# How an account wants its requests. `form` and `get` are exactly the source text's; `json` has
# the extras too.
MODES = {
    "form": {"method": "POST"},
    "get": {"method": "GET"},
    "json": {"method": "POST", "body_format": "json", "extras": True},
}

CONFIG = """\
{first}data_dir = "{data}"

[http]
listen = "127.0.0.1:{port}"

[[pbx]]
name = "{pbx}"
kind = "asterisk"
address = "127.0.0.1:{ami_port}"
username = "ringbud"
secret = "{secret}"

[[pbx.phones]]
endpoint = '{technology}/(?<account>\\d+)-(?<phone>\\d+)'

[outgoing]
allow = ["127.0.0.0/8"]
{more}"""


class Ringbud:
    """One running `ringbud serve`, which can be killed and started again on the same data."""

    def __init__(self, binary, folder, proxy, secret, receiver, technology, first="", more=""):
        self.binary, self.folder = str(binary), pathlib.Path(folder)
        self.receiver, self.proxy = receiver, proxy
        self.port = children.free_port()
        self.process = None
        self._mode = self.token = None
        (self.folder / "data").mkdir(parents=True)
        self.config = self.folder / "ringbud.toml"
        self.config.write_text(CONFIG.format(data=self.folder / "data", port=self.port, pbx=PBX_NAME,
                                             ami_port=proxy.port, secret=secret, technology=technology,
                                             first=first, more=more))
        self.log = self.folder / "ringbud.log"

    def create_token(self):
        """Gives the lab the right to set things up."""
        made = subprocess.run([self.binary, "token", "create", "--config", str(self.config), "--name", "lab"],
                              capture_output=True, text=True, timeout=20)
        if made.returncode:
            raise RuntimeError(f"ringbud token create failed: {made.stderr.strip()}")
        self.token = made.stdout.strip()

    def start(self):
        """Starts it; `Stage.wait_linked` waits until it is at work."""
        with open(self.log, "ab") as log:
            self.process = children.spawn([self.binary, "serve", "--config", str(self.config)],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def has_ended(self):
        """Whether it does not run."""
        return self.process is None or self.process.poll() is not None

    def is_at_work(self):
        """Whether it is ready and follows the PBX."""
        return self.is_ready() and self.proxy.is_followed

    def is_ready(self):
        """Whether /readyz answers 200; raises when the program ended."""
        if self.process.poll() is not None:
            raise NotInTime(f"ringbud ended with {self.process.returncode}; its log ends:\n{self.log_end()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def log_end(self, lines=15):
        """The last lines it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def set_mode(self, mode):
        """Creates the accounts and their four URLs, in one of MODES."""
        if mode == self._mode:
            return
        for account, name in ACCOUNTS.items():
            self._put(f"/api/v1/accounts/{account}", {"name": name})
            self._put(f"/api/v1/accounts/{account}/integration", {
                "incoming_url": self.receiver.url(account, "in"),
                "answered_url": self.receiver.url(account, "answered"),
                "outgoing_url": self.receiver.url(account, "out"),
                "ended_url": self.receiver.url(account, "ended"), **MODES[mode]})
        self._mode = mode

    def clear_integration(self, account):
        """Switches an account's four URLs off, for a shape that sets them up otherwise."""
        self._put(f"/api/v1/accounts/{account}/integration", {
            "incoming_url": "", "answered_url": "", "outgoing_url": "", "ended_url": "", **MODES["form"]})
        self._mode = None

    def _put(self, path, what):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(what).encode(), method="PUT",
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"PUT {path}: {error.code} {error.read().decode(errors='replace')}") from error

    def kill(self):
        """SIGKILL."""
        children.kill(self.process)

    def stop(self):
        """SIGTERM, and SIGKILL if that does not help."""
        children.end(self.process, 8)

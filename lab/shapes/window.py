"""A call as the customer's administrator sees it: in a real browser (crates/web/browser)."""

import os
import pathlib
import queue
import re
import shutil
import subprocess
import threading

from ringlab import children
from ringlab.shape import shape

BROWSER = pathlib.Path(__file__).resolve().parents[2] / "crates/web/browser"
ACCOUNT = "1001"
STEP_SECONDS = 60  # Chromium starts slowly beside three stages


def missing():
    """What the browser needs and this machine has not."""
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    return [what for what, there in (("node", shutil.which("node")), ("chromium", shutil.which(chromium)),
                                     ("its packages (npm ci)", (BROWSER / "node_modules").is_dir())) if not there]


class Browser:
    """asterisk.mjs, which says a line whenever the window shows the next thing."""

    def __init__(self, lab):
        self.said, self.log = queue.SimpleQueue(), lab.folder / "browser.log"
        ringbud = lab.ringbud
        links = re.findall(r"http\S+/first\?key=\S+", ringbud.log.read_text(errors="replace"))
        used = getattr(ringbud, "first_link_used", False)
        ringbud.first_link_used = True
        with open(self.log, "ab") as log:
            self.process = children.spawn(["node", "asterisk.mjs"], cwd=BROWSER, text=True, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=log, env={
                **os.environ, "RINGBUD_URL": f"http://127.0.0.1:{ringbud.port}", "RINGBUD_ACCOUNT": ACCOUNT,
                "RINGBUD_LINK": "" if used else links[-1], "RINGBUD_CALLER": lab.caller.lstrip("+"),
                "RINGBUD_RECEIVER": f"http://127.0.0.1:{lab.receiver.port}",
                "RINGBUD_SHOTS": str(lab.folder.parents[1] / "shots")})
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.said.put(line.strip())
        self.said.put(None)

    def wait(self, word):
        """Waits until it says this (None: until it ended)."""
        try:
            said = self.said.get(timeout=STEP_SECONDS)
        except queue.Empty:
            said = "nothing"
        if said != word:
            raise RuntimeError(f"the browser was to say {word or 'its end'} and said {said}: "
                               f"{self.log.read_text(errors='replace')[-1500:]}")

    def wait_well(self):
        """Waits for its end, which is to be a good one."""
        self.wait(None)
        if self.process.wait(STEP_SECONDS):
            raise RuntimeError(f"the window did not show it all: {self.log.read_text(errors='replace')[-1500:]}")


@shape("I101 A101 E101 in O101b b=mobile E101b out", needs_ringbud=True, missing=missing,
       only=("22",))
def call_seen_in_the_window(lab):
    """A new operator sets up the integration in a browser and watches a caller ring and talk to 101;
    the account's administrator watches 101 call out."""
    if lacks := missing():
        raise RuntimeError(f"there is no browser to look with: it needs {', '.join(lacks)}")
    lab.ringbud.clear_integration(ACCOUNT)
    browser = Browser(lab)
    try:
        browser.wait("ready")
        caller = lab.call_in("+493010010101")
        callee = lab.p101.wait_call().ring()
        browser.wait("ringing")
        callee.answer()
        caller.wait_up()
        browser.wait("talking")
        lab.talk()
        caller.hang_up()
        callee.wait_over()
        browser.wait("ready")
        dialled = lab.p101.dial(lab.mobile)
        callee = lab.outside.wait_call().ring()
        browser.wait("dialling")
        callee.answer()
        dialled.wait_up()
        browser.wait("talking")
        lab.talk()
        dialled.hang_up()
        callee.wait_over()
        browser.wait_well()
    finally:
        children.end(browser.process)

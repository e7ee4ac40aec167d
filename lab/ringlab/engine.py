"""A PostgreSQL of a stage's own: one server on a socket in a temporary folder, without certainty of its disk."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import children
from .waiting import NotInTime, wait_for

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")  # where Debian puts it
ACCOUNT = "postgres"  # it refuses to be root


def missing():
    """What is wanting to run one."""
    return [] if (PROGRAMS / "postgres").is_file() else ["PostgreSQL 15 (apt-get install postgresql-15)"]


class Engine:
    """One running server."""

    def __init__(self):
        # Not in the folder of what the stage leaves: the name of a socket is short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringlab-"))
        self.process = None
        shutil.chown(self.folder, ACCOUNT, ACCOUNT)
        self.folder.chmod(0o711)
        try:
            self._run(["initdb", "-D", f"{self.folder}/data", "-U", "ringbud", "-A", "trust", "-E", "UTF8",
                       "--no-locale", "--no-sync"])
            with open(self.folder / "data/postgresql.auto.conf", "a") as settings:
                settings.write(f"listen_addresses = ''\nunix_socket_directories = '{self.folder}'\nfsync = off\n"
                               "max_connections = 100\nshared_buffers = 32MB\n")
            with open(self.folder / "log", "ab") as log:
                self.process = children.spawn([str(PROGRAMS / "postgres"), "-D", f"{self.folder}/data"],
                                              stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._as_it_runs())
            wait_for(self._answers, 30, lambda: f"PostgreSQL; its log is\n{(self.folder / 'log').read_text()}")
            self._run(["createdb", "-h", str(self.folder), "-U", "ringbud", "calls"])
        except BaseException:
            self.stop()
            raise

    @property
    def url(self):
        """How a gateway reaches its database."""
        return f"host={self.folder} port=5432 user=ringbud dbname=calls"

    def _as_it_runs(self):
        account = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.geteuid() == 0 else {}
        return {**account, "cwd": "/tmp", "env": {"LC_ALL": "C", "PATH": os.environ["PATH"]}}

    def _run(self, words):
        done = subprocess.run([str(PROGRAMS / words[0]), *words[1:]], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, **self._as_it_runs())
        if done.returncode:
            raise RuntimeError(f"{words[0]} failed: {done.stderr.strip()}")

    def _answers(self):
        if self.process.poll() is not None:
            raise NotInTime(f"PostgreSQL ended with {self.process.returncode}")
        asked = subprocess.run([str(PROGRAMS / "pg_isready"), "-q", "-h", str(self.folder)], timeout=10)
        return asked.returncode == 0

    def stop(self):
        """Ends it, and removes what it kept."""
        children.kill(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

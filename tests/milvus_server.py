"""A Milvus server for tests, of the wheel `milvus` (2.3.5): in a folder, a process group and a network of its own.

Its parts listen at every address of the machine, and one of them at a port that cannot be chosen; so each server has a
network namespace to itself, out of which a relay leads to a free port of 127.0.0.1. Where no namespace can be had, one
server runs at a time.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from relay import connected_file, listening_port, relay

START_SECONDS = 180.0
CHANNELS = 256  # docs/how-to/milvus.md says why
_PROGRAM = """
import fcntl, os, signal, socket, struct, sys, threading, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from relay import listening_file, relay
if {own_network}:
    with socket.socket() as any:
        fcntl.ioctl(any, 0x8914, struct.pack("16sH14s", b"lo", 0x41, b""))  # the loopback interface is up
relay(listening_file(Path({file!r})), lambda: socket.create_connection(("127.0.0.1", 19530)))
def end_with_the_tests():
    while os.getppid() == {parent}:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=end_with_the_tests, daemon=True).start()
from milvus import main
main()
"""


class MilvusServer:
    """One server."""

    def __init__(self, folder: Path, session_seconds: int) -> None:
        self._folder, self._file, self._session_seconds = folder, folder / "relay", session_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._listening = listening_port()
        self.port = self._listening.getsockname()[1]
        relay(self._listening, lambda: connected_file(self._file))

    def start(self) -> None:
        """Until it answers."""
        program = _PROGRAM.format(
            own_network=bool(apart()), tests=str(Path(__file__).parent), file=str(self._file), parent=os.getpid()
        )
        command = [*apart(), sys.executable, "-c", program, "--data", str(self._folder)]
        for setting in (f"common.session.ttl={self._session_seconds}", f"rootCoord.dmlChannelNum={CHANNELS}"):
            command += ["--extra-config", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self._folder / "log").read_text("utf-8", "replace"))
            time.sleep(0.2)

    def answers(self) -> bool:
        """Whether a client is let in."""
        import grpc
        from pymilvus import MilvusClient
        from pymilvus.exceptions import MilvusException

        try:
            client = MilvusClient(f"http://127.0.0.1:{self.port}", timeout=2)
            try:
                client.list_collections(timeout=2)
            finally:
                client.close()
        except (MilvusException, grpc.RpcError):
            return False
        return True

    def kill(self) -> None:
        """End all its processes, as if its machine went down."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(60)
            self._process = None

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._listening.close()

    def freeze(self, how: int = signal.SIGSTOP) -> None:
        """All its processes stand still (SIGSTOP), or go on (SIGCONT)."""
        assert self._process is not None
        os.killpg(self._process.pid, how)

    def url(self, gallery: str = "") -> str:
        """Of a gallery, by default of one that is not there yet."""
        return f"milvus://127.0.0.1:{self.port}/{gallery or 'g' + secrets.token_hex(4)}"


@contextmanager
def running_milvus(session_seconds: int = 30) -> Iterator[MilvusServer]:
    """A server, ended at the end. Where it cannot be had tests are skipped, but not where all must run (CI).
    ``session_seconds``: for which its parts are believed to live on after they were killed."""
    missing = _missing()
    if missing and os.environ.get("CI") == "true":
        raise RuntimeError(f"a Milvus server needs {missing}")
    if missing:
        pytest.skip(f"a Milvus server needs {missing}")
    folder = Path(tempfile.mkdtemp(prefix="lookalike-milvus-"))
    server = MilvusServer(folder, session_seconds)
    with nullcontext() if apart() else _alone():
        try:
            server.start()
            yield server
        finally:
            server.close()
            shutil.rmtree(folder, ignore_errors=True)


@cache
def apart() -> tuple[str, ...]:
    """What a command begins with that runs in a network of its own; nothing where none can be had."""
    for command in (("unshare", "-n"), ("unshare", "-rn")):
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run([*command, "true"], check=True, capture_output=True, timeout=20)
            return command
    return ()


@contextmanager
def _alone() -> Iterator[None]:
    """While no other server of tests runs on this machine."""
    with Path(tempfile.gettempdir(), "lookalike-milvus.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _missing() -> str | None:
    """What it needs and there is not."""
    if find_spec("milvus") is None or find_spec("pymilvus") is None:
        return "the packages milvus and pymilvus, of the dependency group `servers`"
    return None

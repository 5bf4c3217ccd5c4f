"""A Milvus server for tests, of the wheel `milvus` (2.3.5): free ports, a folder and a process group of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

START_SECONDS = 180.0
_PROGRAM = "from milvus import main; main()"


class MilvusServer:
    """One server. It listens on all addresses of the machine; where the tests are run by ``unshare -rn``, that is
    127.0.0.1 alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self) -> None:
        """Until it answers."""
        command = [sys.executable, "-c", _PROGRAM, "--data", str(self._folder), "--proxy-port", str(self.port)]
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
        from pymilvus import MilvusClient
        from pymilvus.exceptions import MilvusException

        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
        try:
            client = MilvusClient(f"http://127.0.0.1:{self.port}", timeout=2)
            try:
                client.list_collections(timeout=2)
            finally:
                client.close()
        except MilvusException:
            return False
        return True

    def kill(self, how: int = signal.SIGKILL) -> None:
        """End all its processes, as if its machine went down."""
        if self._process is not None:
            os.killpg(self._process.pid, how)
            self._process.wait(60)
            self._process = None

    def freeze(self, how: int = signal.SIGSTOP) -> None:
        """All its processes stand still (SIGSTOP), or go on (SIGCONT)."""
        assert self._process is not None
        os.killpg(self._process.pid, how)

    def url(self, gallery: str = "") -> str:
        """Of a gallery, by default of one that is not there yet."""
        return f"milvus://127.0.0.1:{self.port}/{gallery or 'g' + secrets.token_hex(4)}"


@contextmanager
def running_milvus() -> Iterator[MilvusServer]:
    """A server, ended at the end. Without the package tests are skipped, but not where all must run (CI)."""
    if find_spec("milvus") is None or find_spec("pymilvus") is None:
        if os.environ.get("CI") == "true":
            raise ModuleNotFoundError("milvus and pymilvus, of the dependency group `servers`")
        pytest.skip("needs the packages milvus and pymilvus, of the dependency group `servers`")
    folder = Path(tempfile.mkdtemp(prefix="lookalike-milvus-"))
    server = MilvusServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)

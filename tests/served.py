"""A real server for its tests: ``lookalike serve`` in a process of its own, on a free port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

START = [sys.executable, "-c", "from lookalike.cli import main; main()", "serve"]
PATIENCE = 120  # seconds


@dataclass(slots=True)
class Served:
    """A server: its process, what it prints, and the address at which it answers."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.ask("POST", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.ask("DELETE", path, **options)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=PATIENCE, **options)

    def search(self, image: Path | None = None, **form: Any) -> Any:
        """The answer to a search, which must be 200."""
        answer = self.post("/v1/search", data=form, files={"image": image.read_bytes()} if image else None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ended(self, job: Any) -> Any:
        """The job once it has ended."""
        until = time.monotonic() + PATIENCE
        while job["ended"] is None:
            assert time.monotonic() < until, job
            time.sleep(0.05)
            job = self.get(f"/v1/jobs/{job['id']}").json()
        return job

    def groups(self, **query: Any) -> Any:
        """The duplicates, once they have been found."""
        answer = self.get("/v1/duplicates", params=query)
        if answer.status_code == 202:
            self.ended(answer.json())
            answer = self.get("/v1/duplicates", params={name: one for name, one in query.items() if name != "fresh"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Its exit code once it has ended."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(
    gallery: Path | str,
    *options: object,
    env: dict[str, str] | None = None,
    ready: bool = True,
    logs: Path | None = None,
) -> Iterator[Served]:
    """A server over this gallery, stopped in the end. ``logs``: the folder for what it prints, else beside the
    gallery."""
    log = (logs or Path(gallery).parent) / f"{Path(gallery).stem}.{time.monotonic_ns()}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*START, "--gallery", str(gallery), "--port", "0", "--workers", "1", *map(str, options)],
            stderr=stream, stdout=stream, env=os.environ | (env or {}),
        )  # fmt: skip
    try:
        served = Served(process, log, _address(process, log))
        if ready:
            _wait(lambda: served.get("/readyz").status_code == 200, process, log)
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    _wait(lambda: b"http://" in log.read_bytes(), process, log)
    found = re.search(r"http://\S+:\d+", log.read_text())
    assert found is not None
    return found[0]


def _wait(done: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            if done():
                return
        except requests.ConnectionError:
            pass
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)

"""A server for benchmarks: ``lookalike serve`` in a process of its own, and clients that ask it."""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import ROOT

START = [sys.executable, "-c", "from lookalike.cli import main; main()", "serve", "--port", "0"]
PATIENCE = 300.0  # seconds

Ask = Callable[[http.client.HTTPConnection, int], int]  # (connection, number of the request) -> status


@dataclass(frozen=True)
class Server:
    """Where it answers, and the id of its process."""

    port: int
    pid: int

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def memory(self) -> float:
        """MiB of all its processes together, what they share counted once (PSS)."""
        return sum(_pss(pid) for pid in [self.pid, *_descendants(self.pid)])


@contextmanager
def serving(gallery: Path, *options: str) -> Iterator[Server]:
    """A server that is ready."""
    command = [*START, "--gallery", str(gallery), "--rate", "100000", "--burst", "100000", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT) as process:
        try:
            yield _ready(process)
        finally:
            process.terminate()


def _ready(process: subprocess.Popen[bytes]) -> Server:
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    threading.Thread(target=process.stderr.read, daemon=True).start()
    found = re.search(r":(\d+)/", line)
    if found is None:
        raise SystemExit(f"the server did not start: {line}")
    server = Server(int(found[1]), process.pid)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if get(server.connection(), "/readyz")[0] == 200:
                return server
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the server did not become ready")


def get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    """Status and body."""
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def form(fields: dict[str, str], image: bytes | None = None) -> tuple[bytes, dict[str, str]]:
    """A body of multipart/form-data, and its headers."""
    edge = uuid.uuid4().hex
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    ]
    if image is not None:
        head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="q.jpg"\r\n\r\n'
        parts.append(head.encode() + image + b"\r\n")
    return b"".join(parts) + f"--{edge}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={edge}"}


def searching(images: Sequence[bytes], fields: dict[str, str]) -> Ask:
    """Searches with these images, in turn."""
    bodies = [form(fields, image) for image in images]

    def ask(connection: http.client.HTTPConnection, number: int) -> int:
        body, headers = bodies[number % len(bodies)]
        connection.request("POST", "/v1/search", body, headers)
        answer = connection.getresponse()
        result = answer.read()
        assert answer.status != 200 or json.loads(result)["hits"], "a search without hits"
        return answer.status

    return ask


@dataclass(frozen=True)
class Load:
    """What came of a load: requests per second, milliseconds of the median and of the 99th percentile, and failures."""

    rate: float
    median: float
    late: float
    failed: int


def load(server: Server, ask: Ask, clients: int, seconds: float, every: float = 0.0) -> Load:
    """So many clients, each with one request after the other, or with one begun ``every`` so many seconds."""
    times: list[float] = []
    failed = [0]
    begun = time.perf_counter()

    def client(number: int) -> None:
        connection = server.connection()
        due = begun + every * number / clients
        asked = number
        while (now := time.perf_counter()) < begun + seconds:
            if every and now < due:
                time.sleep(due - now)
            started = time.perf_counter()
            status = ask(connection, asked)
            times.append(time.perf_counter() - (due if every else started))  # from when it was to begin
            failed[0] += status != 200
            asked += clients
            due += every

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    late = statistics.quantiles(times, n=100)[98]
    return Load(len(times) / took, 1000 * statistics.median(times), 1000 * late, failed[0])


def _descendants(pid: int) -> list[int]:
    found = [int(one) for file in Path(f"/proc/{pid}/task").glob("*/children") for one in file.read_text().split()]
    return found + [one for child in found for one in _descendants(child)]


def _pss(pid: int) -> float:
    try:
        return int(re.findall(r"Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())[0]) / 1024
    except (OSError, IndexError):
        return 0.0

"""How lookalike-web comes by ONNX Runtime for the browser: tried again, checked, and told in words where it fails."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

SETUP = Path(__file__).parents[1] / "web" / "setup.py"
BYTES = b"the package"


@pytest.fixture
def build() -> ModuleType:
    """The build script, without the build."""
    spec = importlib.util.spec_from_file_location("web_setup", SETUP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SHA256 = hashlib.sha256(BYTES).hexdigest()
    return module


@contextmanager
def registry(*codes: int) -> Iterator[tuple[str, list[str]]]:
    """A server that answers with these codes, one after the other, and 200 from then on; its address, and what it was
    asked for."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code = codes[len(asked)] if len(asked) < len(codes) else 200
            asked.append(self.path)
            self.send_response(code)
            self.send_header("Content-Length", str(len(BYTES)))
            self.end_headers()
            self.wfile.write(BYTES)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_registry_that_is_busy_is_asked_again(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry that npm is told of; twice busy, then it answers."""
    monkeypatch.setattr(build, "PAUSES", ())
    with registry(503, 502) as (address, asked):
        assert build.fetched(f"{address}/package", [0.01, 0.01, 0.01]) == BYTES
        assert len(asked) == 3
    with registry() as (address, asked):
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{address}/mirror/")
        assert build.tarball() == BYTES
        assert asked == ["/mirror/onnxruntime-web/-/onnxruntime-web-1.30.0.tgz"]


def test_what_is_not_there_is_said_at_once(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do, and that nothing else is missing."""
    with registry(404) as (address, asked):
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", address)
        with pytest.raises(SystemExit, match=r"404(.|\n)*all else of Lookalike works without it(.|\n)*=FILE"):
            build.tarball()
        assert len(asked) == 1


def test_a_file_of_ones_own_is_checked(build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Against the same digest; nothing is fetched."""
    file = tmp_path / "package.tgz"
    monkeypatch.setenv("LOOKALIKE_WEB_TARBALL", str(file))
    file.write_bytes(BYTES)
    assert build.tarball() == BYTES
    file.write_bytes(b"another one")
    with pytest.raises(SystemExit, match="another file"):
        build.tarball()
    file.unlink()
    with pytest.raises(SystemExit, match="No such file"):
        build.tarball()

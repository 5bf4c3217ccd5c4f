"""A web server over a folder, for tests of files elsewhere: with ETags, index pages, and what goes wrong."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class WebFiles:
    """``fetched``: path -> how often its bytes were sent. ``refused``, ``short``: paths that are answered with 403, or
    with half of their bytes. ``etags``: whether files have one."""

    address: str = ""
    fetched: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    etags: bool = True


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, files: WebFiles, *given: Any, **named: Any) -> None:
        self._files = files
        super().__init__(*given, **named)

    def do_GET(self) -> None:
        self._files.fetched[self.path] += 1
        if self.path in self._files.refused:
            self.send_error(403)
        elif self.path in self._files.short:
            data = Path(self.translate_path(self.path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            super().do_GET()

    def end_headers(self) -> None:
        file = Path(self.translate_path(self.path))
        if self._files.etags and file.is_file():
            self.send_header("ETag", f'"{hashlib.md5(file.read_bytes()).hexdigest()}"')
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@contextmanager
def web_files(folder: Path) -> Iterator[WebFiles]:
    """A server of this folder, while it runs."""
    files = WebFiles()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, files, directory=str(folder)))
    files.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""What may be chosen about a server; each default is written here and read by the command line."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lookalike.errors import UserError

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Settings:
    """``gallery``: its folder. ``token``: what every request must bring; "" for none, on loopback alone. ``hosts``:
    further names under which the server is reached. ``origins``: of other pages that may call the API. ``uploads``: the
    folder where images that are sent are kept, if at all. ``folders``: what may be indexed beside the gallery's own.
    ``workers``: processes that look at images. ``timeout``: seconds that one of them may take for a request.
    ``waiting``: requests that may wait for them. ``rate``: requests per second and client, ``burst`` of them at once.
    ``upload_bytes``, ``upload_pixels``: of one image that is sent."""

    gallery: str
    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    read_only: bool = False
    uploads: str | None = None
    folders: tuple[str, ...] = field(default=())
    workers: int = CORES
    timeout: float = 60.0
    waiting: int = 64
    rate: float = 200.0
    burst: int = 1000
    upload_bytes: int = 50_000_000
    upload_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        if not self.token and not is_loopback(self.host):
            raise UserError(
                f"--host {self.host}: others could reach this gallery; choose a token with --token, or LOOKALIKE_TOKEN"
            )
        for origin in self.origins:
            _check_origin(origin)
        for name in ("workers", "timeout", "waiting", "rate", "burst", "upload_bytes", "upload_pixels"):
            if getattr(self, name) <= 0:
                raise UserError(f"{name} must be more than 0, not {getattr(self, name)}")


def _check_origin(origin: str) -> None:
    """Raises UserError for what no browser would send as the origin of a page."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
        raise UserError(f"--allow-origin {origin}: give scheme, host and port alone, such as http://localhost:3000")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

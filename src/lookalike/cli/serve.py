"""lookalike serve"""

from __future__ import annotations

import os
import socket
from typing import Any

import click

from lookalike.cli.output import gallery_option
from lookalike.errors import MissingDependency, UserError
from lookalike.service.settings import Settings, is_loopback

SHUTDOWN_SECONDS = 5
DEFAULT = Settings(gallery="")


@click.command()
@gallery_option()
@click.option("--host", default=DEFAULT.host, show_default=True, help="The address to listen on.")
@click.option("--port", default=DEFAULT.port, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--token", default="", envvar="LOOKALIKE_TOKEN", help="What requests must bring.  [env: LOOKALIKE_TOKEN]")
@click.option("--allow-host", "hosts", multiple=True, help="A further name under which the server is reached.")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="A page of yours that may call the API, such as http://localhost:3000.",
)
@click.option("--read-only", is_flag=True, help="Refuse whatever changes something.")
@click.option("--uploads", type=click.Path(file_okay=False), help="Keep images that are added by upload, here.")
@click.option("--folder", "folders", multiple=True, type=click.Path(file_okay=False), help="May be indexed as well.")
@click.option("--workers", default=DEFAULT.workers, type=click.IntRange(1), help="Processes.  [default: one per core]")
@click.option("--timeout", default=DEFAULT.timeout, show_default=True, type=float, help="Seconds per request.")
@click.option(
    "--waiting", default=DEFAULT.waiting, show_default=True, type=click.IntRange(1), help="Requests that wait."
)
@click.option("--rate", default=DEFAULT.rate, show_default=True, type=float, help="Requests per second and client.")
@click.option("--burst", default=DEFAULT.burst, show_default=True, type=click.IntRange(1), help="As many at once.")
@click.option(
    "--upload-bytes", default=DEFAULT.upload_bytes, show_default=True, type=click.IntRange(1), help="Of one image."
)
@click.option(
    "--upload-pixels", default=DEFAULT.upload_pixels, show_default=True, type=click.IntRange(1), help="Of one image."
)
def command(**chosen: Any) -> int:
    """Open a page for a gallery, and an API for programs: search, compare, review duplicates.

    Only this machine can reach it, unless --host and --token say otherwise. See docs/how-to/service.md."""
    uploads = chosen.pop("uploads")
    folders = [*chosen.pop("folders"), *([uploads] if uploads else [])]
    settings = Settings(
        **chosen,
        uploads=os.path.abspath(str(uploads)) if uploads else None,
        folders=tuple(os.path.abspath(folder) for folder in folders),
    )
    _serve(settings)
    return 0


def _serve(settings: Settings) -> None:
    """Until it is stopped. Raises MissingDependency, GalleryError, UserError for a port that is taken."""
    try:
        import uvicorn

        from lookalike.service.app import create_app
    except ImportError as error:
        raise MissingDependency(f"{error.name} is not installed; pip install 'lookalike[serve]'") from error
    from lookalike.gallery import Gallery

    Gallery.open(settings.gallery).close()
    server: uvicorn.Server
    app = create_app(settings, lambda: server.should_exit)
    config = uvicorn.Config(
        app, settings.host, settings.port, log_level="warning", server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS, limit_concurrency=1000,
    )  # fmt: skip
    server = uvicorn.Server(config)
    listening = _listening(settings)
    _say(settings, listening.getsockname()[1])
    server.run([listening])


def _listening(settings: Settings) -> socket.socket:
    """A socket at the address. It names TCP as its protocol: otherwise asyncio leaves Nagle's algorithm on."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # from now on a request waits, and is not refused, until the server is up
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"--host {settings.host} --port {settings.port}: cannot be used: {reason}") from error
    return listening


def _say(settings: Settings, port: int) -> None:
    """Addresses that can be opened: 0.0.0.0 is where it listens, and none of them."""
    every = settings.host in ("0.0.0.0", "::")
    host = "127.0.0.1" if every or is_loopback(settings.host) else settings.host
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    click.echo(f"Lookalike serves {settings.gallery} at {address}  (Ctrl-C stops it)", err=True)
    if every:
        click.echo(f"From other machines: http://{socket.gethostname()}:{port}/", err=True)
    if settings.token:
        click.echo(f"Open {address}?token=TOKEN once, with your token in place of TOKEN.", err=True)

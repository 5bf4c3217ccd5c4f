"""lookalike mcp --gallery G"""

from __future__ import annotations

import signal
import sys

import click

from lookalike.cli.output import gallery_option


@click.command()
@gallery_option()
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="DIR",
    type=click.Path(file_okay=False, exists=True),
    help="Images below this folder may be read as well; repeatable.",
)
def command(gallery: str, allowed: tuple[str, ...]) -> int:
    """Serve a gallery to an assistant, by the Model Context Protocol over stdin and stdout, until stdin ends.

    It may search, compare and ask why; nothing can be changed, and no file is read but the gallery's own images and
    those below --allow. Needs the extra: pip install 'lookalike[mcp]'.
    """
    from lookalike.service.assistant import assistant_server

    server = assistant_server(gallery, allowed)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the SDK would wait for another line first; there is nothing to save
    if sys.stdin.isatty():
        click.echo("waiting for an assistant, which would start this by itself; Ctrl-C ends it", err=True)
    server.run("stdio")
    return 0

"""SURFACE: the command line. Each verb is one file that parses, calls one library function, and formats.

Verbs are imported when they are called (lazy.py).
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence

import click

from lookalike.cli.lazy import Lazy
from lookalike.errors import LookalikeError
from lookalike.version import __version__

VERBS = {
    "index": "Add images to a gallery: what is new or changed.",
    "search": "Find the images of a gallery that are most like given ones.",
    "recommend": "Recommend items of a catalogue that are like an image or an item.",
    "compare": "Compare two images: relation, probability, evidence.",
    "video": "Compare videos: which segment of the one is which of the other.",
    "faces": "Compare, search and group faces; name people.",
    "duplicates": "Find groups of copies; review, move or delete them.",
    "audit": "Report what is wrong with a data set: leakage, outliers, labels.",
    "undo": "Bring back what `duplicates` cleared away or `organize` moved.",
    "classify": "Classify images with a model, and keep its labels.",
    "label": "Suggest labels by words; name the images to label next.",
    "labels": "List, import and forget labels; find likely label errors.",
    "organize": "Copy, link or move images into one folder per label.",
    "tune": "Learn weights and thresholds from pairs that you have judged.",
    "describe": "Print the hashes and embeddings of images.",
    "models": "List, add, check and remove neural models.",
    "train": "Train a network on your own images; needs the extra `train`.",
    "evaluate": "Measure retrieval on your own folder: recall, precision, mAP.",
    "calibrate": "Calibrate probabilities on a gallery's own images.",
    "serve": "Open a page and an API for a gallery; needs the extra `serve`.",
    "export": "Write vectors, labels, groups as CSV, NumPy or Parquet.",
    "match": "Find the images of a gallery that are on a list of hashes.",
    "watch": "Keep a gallery current; needs the extra `watch`.",
    "mcp": "Serve a gallery to an assistant; needs the extra `mcp`.",
    "roots": "List, move and forget the folders of a gallery.",
    "info": "Show what a gallery holds.",
    "check": "Check that a gallery is whole; repair what can be made again.",
    "backup": "Copy a gallery while it is used.",
    "migrate": "Move a gallery to another engine, and verify it.",
    "demo": "Index, search, compare and de-duplicate sample photographs.",
}
INTERRUPTED = 130


@click.group(
    cls=Lazy,
    commands=VERBS,
    package=__name__,
    heading="Verbs",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="lookalike")
def cli() -> None:
    """Image retrieval and image comparison: which images are related, how, and why.

    Exit codes: 0 done, 1 done but some files failed, 2 a mistake in the call, 3 something is missing
    outside, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: the one place where errors become words and exit codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's encoding lacks is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = cli.main(args=arguments, prog_name="lookalike", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except LookalikeError as error:
        click.echo(f"lookalike: {_shown(str(error))}", err=True)
        return error.exit_code
    except (BrokenPipeError, SystemExit):  # the reader (head, less) has seen enough; click makes the latter of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        click.echo(f"lookalike: {_shown(str(error))}", err=True)
        return LookalikeError.exit_code
    except (KeyboardInterrupt, click.Abort):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        click.echo("lookalike: interrupted; what was done so far is kept", err=True)
        return INTERRUPTED


def _shown(text: str) -> str:
    from lookalike.cli.output import printable

    return "\n".join(map(printable, text.split("\n")))

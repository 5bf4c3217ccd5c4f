"""The command line for its tests: a real process, or the same within this one, which is quicker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import click
from click.testing import CliRunner

from lookalike import cli

START = [sys.executable, "-c", "from lookalike.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a call ended, and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout holds, which must be one JSON document on one line and nothing else."""
        (line,) = self.out.splitlines()
        return json.loads(line)


def process(*arguments: object, env: dict[str, str] | None = None, cwd: object = None) -> Ran:
    """``lookalike ARGUMENTS`` in a process of its own."""
    done = subprocess.run(
        [*START, *map(str, arguments)],
        capture_output=True,
        env=os.environ | (env or {}),
        cwd=None if cwd is None else str(cwd),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def here(*arguments: object, answer: str | None = None) -> Ran:
    """The same within this process: the code that main() would exit with. ``answer`` is typed at a prompt."""
    result = CliRunner().invoke(_as_main, list(map(str, arguments)), input=answer, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return Ran(int(result.return_value), result.stdout, result.stderr)


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def _as_main(arguments: tuple[str, ...]) -> int:
    return cli._run(arguments)


def fields(kind: type) -> list[str]:
    """The field names of one of the library's types."""
    return list(kind.__dataclass_fields__)

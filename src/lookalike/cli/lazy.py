"""A group of commands that imports only the one that is asked for, so that ``--help`` stays quick."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class Lazy(click.Group):
    """``commands``: name -> what ``--help`` says of it, below ``heading``. Each is ``command`` of the module of its
    name in ``package``."""

    def __init__(self, *, commands: Mapping[str, str], package: str, heading: str, **given: Any) -> None:
        super().__init__(**given)
        self._summaries, self._package, self._heading = commands, package, heading

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        if cmd_name not in self._summaries:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        with formatter.section(self._heading):
            formatter.write_dl(list(self._summaries.items()))

"""lookalike train: one file for each thing that can be learnt."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

import click

from lookalike.errors import MissingDependency

KINDS = {
    "copy": "Adapt `copy` to your own pictures, which need no labels.",
    "classifier": "Learn the classes of labelled pictures, and a descriptor beside them.",
    "siamese": "Learn a distance by which two pictures are of one class or not.",
    "autoencoder": "Learn a descriptor from pictures without labels, by making them again.",
    "recipe": "Train the shipped network from random weights.",
}


class _Kinds(click.Group):
    """Knows what can be learnt by name; imports only what is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(KINDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in KINDS:
            return None
        command: click.Command = importlib.import_module(f"lookalike.cli.train.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("What can be learnt"):
            formatter.write_dl(list(KINDS.items()))


@click.group(cls=_Kinds)
def command() -> None:
    """Train a network on your own pictures. Needs the extra: pip install 'lookalike[train]'."""
    for package in ("torch", "onnx", "onnxscript"):  # the last is asked for at the end of a run: too late to be told
        if find_spec(package) is None:
            raise MissingDependency(f"{package} is not installed; get it with: pip install 'lookalike[train]'")

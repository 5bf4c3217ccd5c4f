"""The reference of the command line, from the parser itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from markup import code, escaped

from lookalike.cli import cli


def markdown() -> str:
    """Every command, one section each, in the order of ``lookalike --help``."""
    return "\n\n".join(_section(context) for context in commands())


def commands(parent: click.Context | None = None) -> Iterator[click.Context]:
    """Every command below ``parent`` (by default of ``lookalike``); a group comes before its own commands."""
    if parent is None:
        parent = click.Context(cli, info_name="lookalike", **cli.context_settings)
    group = parent.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is not None and not command.hidden:
            context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
            yield context
            yield from commands(context)


def _section(context: click.Context) -> str:
    """A heading, how it is called, what it does, and each option."""
    depth = "#" * len(context.command_path.split())
    usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    parts = [f"{depth} {context.command_path}", f"```text\n{usage}\n```", _help(context.command), _options(context)]
    return "\n\n".join(part for part in parts if part)


def _help(command: click.Command) -> str:
    """Paragraphs; click's mark for one that is not to be wrapped makes it a block."""
    paragraphs = inspect.cleandoc(command.help or command.short_help or "").split("\n\n")
    return "\n\n".join(_paragraph(one) for one in paragraphs if one.strip())


def _paragraph(text: str) -> str:
    if text.startswith("\b"):
        return f"```text\n{text.lstrip(chr(8)).strip(chr(10))}\n```"
    return escaped(text)


def _options(context: click.Context) -> str:
    options = [
        one for one in context.command.get_params(context) if isinstance(one, click.Option) and one.name != "help"
    ]
    records = filter(None, (option.get_help_record(context) for option in options))
    return "\n\n".join(f"{code(names)}\n: {escaped(text)}" for names, text in records)

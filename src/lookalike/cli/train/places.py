"""Where a trained model goes and what it is called: refused before the work, not after it."""

from __future__ import annotations

from pathlib import Path

from lookalike.errors import UserError


def refuse_place(out: Path) -> None:
    """Raises UserError unless an ONNX file can be written there."""
    if out.suffix != ".onnx":
        raise UserError(f"{out}: the file to write must end in .onnx")
    if not out.absolute().parent.is_dir():
        raise UserError(f"{out}: no such folder; make it first")


def free(name: str) -> str:
    """The name, if a card may give it to a descriptor and none has it."""
    from lookalike.descriptors import names
    from lookalike.descriptors.base import NAME, RESERVED

    if not NAME.fullmatch(name) or name in RESERVED:
        raise UserError(f"{name!r} is no name for a descriptor: letters, digits, _ . -; choose one with --name")
    if name in names():
        raise UserError(f"there is a descriptor {name!r} already; choose another name with --name")
    return name

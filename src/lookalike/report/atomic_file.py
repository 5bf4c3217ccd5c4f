"""Files for people that are written whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image as Pillow

from lookalike.errors import LookalikeError, UserError
from lookalike.types import Pixels


@contextmanager
def replacing(path: Path, what: str) -> Iterator[Path]:
    """A place beside ``path`` to write to, which takes its place when all went well, and else leaves no trace.

    ``what``: how an error calls the file. Raises UserError if the place cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: the {what} cannot be written here: {error.strerror}. Name another file.") from error
    except OSError as error:
        raise LookalikeError(f"{path}: the {what} could not be written: {error.strerror}.") from error
    finally:
        _forget(temporary)


def _forget(temporary: Path) -> None:
    try:
        temporary.unlink()
    except OSError:
        return  # it became the file, or was never there


def image_format(path: str | os.PathLike[str]) -> str:
    """The format that Pillow writes for this ending: "PNG", ... Raises UserError for one that it does not know."""
    ending = Path(path).suffix.lower()
    known = Pillow.registered_extensions().get(ending, "")
    if known not in Pillow.SAVE:
        raise UserError(f"{path}: images are not written with the ending {ending!r}; .png, .jpg and .webp are")
    return known


def write_image(path: str | os.PathLike[str], pixels: Pixels) -> None:
    """Write (h, w, 3) uint8 sRGB ``pixels`` in the format of the path's ending: all of it or nothing.

    Raises UserError for an ending or a place that will not do."""
    memory = io.BytesIO()
    try:
        Pillow.fromarray(pixels).save(memory, image_format(path))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: not to be written in this format: {error}; name a .png, .jpg or .webp") from error
    with replacing(Path(path), "image") as temporary:
        temporary.write_bytes(memory.getvalue())

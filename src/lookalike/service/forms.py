"""What is sent as a form: an image or the id of one, and text that stands for numbers."""

from __future__ import annotations

from fastapi import UploadFile

from lookalike.errors import UserError
from lookalike.service.problems import TooMuch
from lookalike.service.settings import Settings
from lookalike.service.tasks import ImageInput

MAX_IDS = 500


async def image_input(
    settings: Settings, image: UploadFile | None, number: int | None, names: tuple[str, str]
) -> ImageInput:
    """A file or an id, under these two names. Raises UserError unless it is just one of them, TooMuch."""
    if (image is None) == (number is None):
        raise UserError(f"send {names[0]} (a file) or {names[1]} (of an image of the gallery), one of the two")
    return ImageInput(id=number) if image is None else ImageInput(data=await read_upload(settings, image))


async def read_upload(settings: Settings, image: UploadFile) -> bytes:
    """The bytes of a file that was sent. Raises TooMuch."""
    data = await image.read(settings.upload_bytes + 1)
    if len(data) > settings.upload_bytes:
        raise TooMuch(f"the image has more than {settings.upload_bytes} bytes")
    return data


def ids(text: str | None, name: str) -> tuple[int, ...]:
    """ "4,7" -> (4, 7). Raises UserError."""
    if not text:
        return ()
    parts = text.split(",")
    if len(parts) > MAX_IDS or not all(part.strip().isdecimal() and len(part) < 19 for part in parts):
        raise UserError(f"{name}: at most {MAX_IDS} ids with commas between, such as 4,7")
    return tuple(int(part) for part in parts)


def region(text: str | None) -> tuple[float, float, float, float] | None:
    """ "x,y,w,h" -> four numbers. Raises UserError."""
    if not text:
        return None
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError("region: four numbers x,y,w,h in pixels of the upright original") from None
    return x, y, width, height

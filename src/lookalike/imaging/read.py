"""Path, bytes, file, Pillow image or array -> ``Image``: upright, sRGB, uint8. The bytes are read once."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any, BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.errors import DamagedImage, FileMissing, FileUnreadable, ImageTooLarge, LoadError, UserError
from lookalike.imaging.colour_profile import has_numbers, plain, to_srgb
from lookalike.imaging.colour_signal import ColourSignal, apply_signal
from lookalike.imaging.decode import MAX_PIXELS, UPRIGHT_WHEN_DECODED, decode
from lookalike.imaging.exif import Exif, read_exif
from lookalike.imaging.formats import sniff
from lookalike.imaging.grey_levels import lost_numbers
from lookalike.imaging.ground import lost_alpha
from lookalike.imaging.jpeg_xl import decode_jpeg_xl
from lookalike.imaging.raw import decode_raw
from lookalike.types import Image, Pixels

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
ImageSource = Source | Image | PIL.Image.Image | NDArray[Any]

MAX_BYTES = 512 * 1024 * 1024
"""Encoded bytes that are allowed: enough for MAX_PIXELS without compression."""

_CHUNK_BYTES = 1 << 20

# EXIF's orientation -> the turn that makes the image upright.
_TRANSPOSES = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}

_DECODERS = {"RAW": decode_raw, "JXL": decode_jpeg_xl}

_FILE_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def load(
    source: Source, *, min_side: int | None = None, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> Image:
    """Read an image: upright by its EXIF, in sRGB by its ICC profile or what else it says of its colours.

    What is transparent lies over white, or over black where what is visible would vanish on white. Of an animation or
    of many pages the first shows, or if that is blank the first of contrast.

    ``source``: a path, encoded bytes, or a binary file object. With ``min_side``, in pixels, the image
    comes at a smaller scale, its short side at least so long, and shorter than twice that; it is never
    enlarged. ``max_pixels`` limits what must be held decoded, ``max_bytes`` the file.
    ``pixels`` of the result: (h, w, 3) uint8, C-contiguous, not to be written to.

    Raises FileMissing, FileUnreadable, NotAnImage, DamagedImage, ImageTooLarge (all LoadError), and
    UserError for a ``source`` or ``min_side`` that makes no sense. Safe to call from many threads.
    """
    if min_side is not None and min_side < 1:
        raise UserError(f"min_side must be at least 1 pixel, not {min_side}")
    path = _path_of(source)
    try:
        return _image(read_bytes(source, max_bytes), path, min_side, max_pixels)
    except LoadError as error:
        raise type(error)(error.reason, path) from error
    except MemoryError as error:
        raise ImageTooLarge("there is not enough memory to load it", path) from error
    except Exception as error:
        raise DamagedImage(f"cannot be decoded ({type(error).__name__})", path) from error


def as_image(source: ImageSource, *, min_side: int | None = None, max_pixels: int = MAX_PIXELS) -> Image:
    """Whatever stands for an image, as one: the only place where the library tells them apart.

    An ``Image`` is taken as it is, an array as by ``from_array``, a Pillow image as by ``from_pillow``, and anything
    else is read as by ``load``, with ``min_side`` and ``max_pixels``. Raises LoadError or UserError as these do.
    """
    if isinstance(source, Image):
        return source
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, PIL.Image.Image):
        return from_pillow(source, min_side=min_side)
    return load(source, min_side=min_side, max_pixels=max_pixels)


def from_pillow(image: PIL.Image.Image, *, min_side: int | None = None) -> Image:
    """A Pillow image in any mode, as a file with it would come: upright by its EXIF, in sRGB, over white; of several
    frames, the one that it is at. Nothing of it is changed. Raises DamagedImage for one that cannot be decoded."""
    try:
        image.load()
        exif = _exif(image, b"" if image.format == "TIFF" else None)
        turn = None if image.format in UPRIGHT_WHEN_DECODED else _TRANSPOSES.get(exif.orientation)
        width, height = image.size[::-1] if turn is not None and exif.orientation >= 5 else image.size
        pixels, hidden = _pixels(image, turn, min_side)
    except Exception as error:
        raise DamagedImage(f"cannot be decoded ({type(error).__name__})") from error
    return Image(pixels, width, height, format=image.format or "", taken=exif.taken, camera=exif.camera, hidden=hidden)


def from_array(pixels: Pixels) -> Image:
    """An ``Image`` of upright sRGB pixels, (H, W, 3) or grey (H, W) uint8. Raises UserError for others.

    A contiguous (H, W, 3) array is shared, not copied.
    """
    array = np.asarray(pixels)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise UserError(f"pixels must be (H, W, 3) or (H, W) uint8, not {array.shape} {array.dtype}")
    if array.size == 0:
        raise UserError(f"pixels must not be empty: {array.shape}")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    height, width = array.shape[:2]
    return Image(np.ascontiguousarray(array), width, height)


def _image(data: bytes, path: str | None, min_side: int | None, max_pixels: int) -> Image:
    fmt = sniff(data)
    decoder = _DECODERS.get(fmt.name, decode) if fmt else decode
    decoded = decoder(data, min_side, max_pixels)
    width, height = decoded.size
    exif = _exif(decoded.image, decoded.exif)
    transpose = None if decoded.is_upright else _TRANSPOSES.get(exif.orientation)
    if transpose is not None and exif.orientation >= 5:
        width, height = height, width
    digest = hashlib.sha256(data).hexdigest()
    pixels, hidden = _pixels(decoded.image, transpose, min_side, decoded.signal)
    return Image(
        pixels=pixels,
        width=width,
        height=height,
        path=path,
        sha256=digest,
        bytes=len(data),
        format=decoded.name,
        taken=exif.taken,
        camera=exif.camera,
        frames=decoded.frames.count,
        sequence=decoded.frames.sequence,
        samples=decoded.frames.samples,
        damage=decoded.damage,
        hidden=digest if decoded.is_deep else hidden,
    )


def _pixels(
    image: PIL.Image.Image,
    transpose: PIL.Image.Transpose | None,
    min_side: int | None,
    signal: ColourSignal | None = None,
) -> tuple[Pixels, str]:
    """(h, w, 3) uint8, and a digest of what they do not show. Shrunk as early as colours allow, so that the rest of the
    way is cheap."""
    profile = image.info.get("icc_profile")
    lost = lost_numbers(np.asarray(image)) if has_numbers(image) else b""
    image = plain(image)
    factor = min(image.size) // min_side if min_side else 1
    if factor > 1:
        image = image.reduce(factor)
    lost += lost_alpha(image)
    image = to_srgb(image, profile if isinstance(profile, bytes) else None)
    pixels = np.ascontiguousarray(image if transpose is None else image.transpose(transpose), dtype=np.uint8)
    return apply_signal(pixels, signal) if signal else pixels, hashlib.sha256(lost).hexdigest() if lost else ""


def _exif(image: PIL.Image.Image, data: bytes | None) -> Exif:
    """Of this block, or of the image's own where it is None."""
    if data is not None:
        return read_exif(data)
    block = image.info.get("exif")
    if isinstance(block, bytes):
        return read_exif(block)
    text = image.info.get("Raw profile type exif")
    return read_exif(_raw_profile(text)) if isinstance(text, str) else Exif()


def _raw_profile(text: str) -> bytes:
    """EXIF as ImageMagick hides it in the text of a PNG: a name, a length, then hexadecimal digits."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return b""


def _path_of(source: Source) -> str | None:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return None
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    if not hasattr(source, "read"):
        raise UserError(f"load takes a path, bytes or a binary file, not {type(source).__name__}")
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else None


def read_bytes(source: Source, max_bytes: int = MAX_BYTES) -> bytes:
    """All encoded bytes of a path, of bytes, or of a file. Raises LoadError."""
    if isinstance(source, (str, os.PathLike)):
        return _read_path(os.fsdecode(source), max_bytes)
    if isinstance(source, (bytes, bytearray, memoryview)):
        _check_bytes(memoryview(source).nbytes, max_bytes)
        return bytes(source)
    return _read_file(source, max_bytes)


def _check_bytes(count: int, max_bytes: int) -> None:
    if count > max_bytes:
        raise ImageTooLarge(f"{count} bytes, over the limit of {max_bytes}")


def _read_path(path: str, max_bytes: int) -> bytes:
    try:
        _check_regular(os.stat(path))
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            _check_regular(status)
            _check_bytes(status.st_size, max_bytes)
            data = file.readall()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing("no such file") from error
    except (OSError, ValueError) as error:
        raise FileUnreadable(_why_unreadable(error)) from error
    _check_bytes(len(data), max_bytes)
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting, in case the file became a pipe after we looked."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((name for test, name in _FILE_KINDS if test(status.st_mode)), "something else")
    raise FileUnreadable(f"{kind}, not a file")


def _why_unreadable(error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"cannot be read: {(reason or 'unknown reason').lower()}"


def _read_file(file: BinaryIO, max_bytes: int) -> bytes:
    """All bytes from where the file stands; chunk by chunk, so that an endless one ends at the limit."""
    chunks, count = [], 0
    while chunk := _read_chunk(file):
        chunks.append(chunk)
        count += len(chunk)
        _check_bytes(count, max_bytes)
    return b"".join(chunks)


def _read_chunk(file: BinaryIO) -> bytes:
    try:
        chunk = file.read(_CHUNK_BYTES)
    except Exception as error:
        raise FileUnreadable(f"cannot be read: {error}") from error
    if chunk is not None and not isinstance(chunk, bytes):
        raise FileUnreadable("the file object gives text; open it in binary mode")
    return chunk or b""

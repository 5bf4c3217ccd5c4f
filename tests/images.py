"""Hand-made images, EXIF blocks, ICC profiles and bombs for tests: every byte and colour is known."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
CORNERS = (RED, GREEN, BLUE, YELLOW)

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
"""The formats that we can also write; HEIC comes from ``heic``."""


def quadrants(width: int = 64, height: int = 48) -> np.ndarray:
    """(height, width, 3) uint8: red and green above, blue and yellow below."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, YELLOW
    return pixels


def corners(pixels: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """The colours a little inside the four corners: top left, top right, bottom left, bottom right."""
    top, left = pixels.shape[0] // 6, pixels.shape[1] // 6
    places = ((top, left), (top, -1 - left), (-1 - top, left), (-1 - top, -1 - left))
    return tuple(tuple(int(value) for value in pixels[place]) for place in places)


def near(expected: Any, actual: Any, tolerance: float) -> bool:
    """Whether two colours, or lists of them, differ nowhere by more than so many levels."""
    return bool(np.abs(np.asarray(expected, float) - np.asarray(actual, float)).max() <= tolerance)


def encode(image: np.ndarray | Image.Image, fmt: str = "PNG", **options: Any) -> bytes:
    """The encoded file; lossless, or of high quality where the format is lossy."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"quality": 95}}.get(fmt, {}) | options
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def stored_as(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The rows and columns in which a camera stores this image, by the table in EXIF 2.3, 4.6.4."""
    turned = upright if orientation <= 4 else upright.swapaxes(0, 1)
    rows = slice(None, None, -1) if orientation in (3, 4, 6, 7) else slice(None)
    columns = slice(None, None, -1) if orientation in (2, 3, 7, 8) else slice(None)
    return np.ascontiguousarray(turned[rows, columns])


def exif(
    orientation: int = 1, *, make: bytes = b"", model: bytes = b"", time: bytes = b"", original: bytes = b"",
    order: str = "<", prefix: bytes = b"Exif\0\0",
) -> bytes:  # fmt: skip
    """An EXIF block written by hand: IFD0, and an Exif IFD if there is an ``original`` time."""
    texts = [(tag, text) for tag, text in ((0x10F, make), (0x110, model), (0x132, time)) if text]
    count = 1 + len(texts) + bool(original)
    heap_at = 8 + 2 + 12 * count + 4
    rows, heap = [], b""

    def text_row(tag: int, text: bytes) -> bytes:
        nonlocal heap
        if len(text) <= 4:
            return struct.pack(order + "HHI4s", tag, 2, len(text), text)
        heap += text
        return struct.pack(order + "HHII", tag, 2, len(text), heap_at + len(heap) - len(text))

    rows = [text_row(tag, text) for tag, text in texts]
    rows.append(struct.pack(order + "HHIHH", 0x112, 3, 1, orientation, 0))
    if original:
        pointer = heap_at + len(heap)
        rows.append(struct.pack(order + "HHII", 0x8769, 4, 1, pointer))
        heap += struct.pack(order + "HHHIII", 1, 0x9003, 2, len(original), pointer + 18, 0) + original
    magic = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "H", count) + b"".join(rows) + bytes(4)
    return prefix + magic + struct.pack(order + "I", 8) + directory + heap


def icc(space: bytes, pcs: bytes, tags: dict[bytes, bytes], device: bytes = b"mntr") -> bytes:
    """An ICC 2.4 profile written by hand from its tags."""
    tags = {b"wtpt": xyz(0.9642, 1.0, 0.8249), **tags}
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(value))
        body += value
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, device, space, pcs)
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + table + body


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def linear_grey_profile() -> bytes:
    """Grey with a gamma of exactly 1: level 128 is the sRGB level 188."""
    return icc(b"GRAY", b"XYZ ", {b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0)})


def swapped_profile() -> bytes:
    """sRGB with the primaries of red and blue exchanged: its (255, 0, 0) is sRGB's (0, 0, 255)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"____").replace(b"bXYZ", b"rXYZ").replace(b"____", b"bXYZ")


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def red_cyan_profile() -> bytes:
    """CMYK in which pure cyan ink looks like sRGB red, no ink white, and everything else black."""
    table = bytearray()
    for corner in range(16):  # cyan changes slowest, black fastest
        lab = {0b0000: (255, 128, 128), 0b1000: (136, 208, 195)}.get(corner, (0, 128, 128))
        table += bytes(lab)
    ramp = bytes(range(256))
    unit = struct.pack(">9i", *(0x10000 if i % 4 == 0 else 0 for i in range(9)))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unit + ramp * 4 + bytes(table) + ramp * 3
    return icc(b"CMYK", b"Lab ", {b"A2B0": lut}, device=b"prtr")


def png(width: int, height: int, rows: bytes = b"", *, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that claims this size, whatever its compressed ``rows`` hold."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small JPEG of one colour whose header claims another size."""
    data = bytearray(encode(np.zeros((16, 16, 3), np.uint8), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def bombs() -> dict[str, bytes]:
    """Small files that claim to be enormous, by format."""
    gif = bytearray(encode(quadrants(), "GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    bmp = bytearray(encode(quadrants(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 200_000, 200_000)
    webp = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4)
    webp += (16_383).to_bytes(3, "little") * 2
    tiff = bytearray(encode(Image.new("L", (64, 48)), "TIFF"))
    for tag in (256, 257):
        at = tiff.index(struct.pack("<HHI", tag, 4, 1))
        tiff[at + 8 : at + 12] = struct.pack("<I", 200_000)
    files = {"PNG": png(30_000, 30_000, bytes(1 << 20)), "JPEG": jpeg_claiming(65_000, 65_000), "WEBP": webp}
    return files | {"GIF": bytes(gif), "BMP": bytes(bmp), "TIFF": bytes(tiff)}


def heic(*, turned: bool = False) -> bytes:
    """A 29 x 100 HEIC; ``turned``: with an irot box that asks for a quarter turn anticlockwise."""
    data = base64.b85decode(_HEIC)
    return _with_turn(data) if turned else data


def _with_turn(data: bytes) -> bytes:
    """The property goes to the end of ipco, its number to the end of ipma, and mdat moves by ten bytes."""
    out = bytearray(data)
    end_of_ipma, end_of_ipco = (
        at - 4 + int.from_bytes(data[at - 4 : at], "big") for at in map(data.index, (b"ipma", b"ipco"))
    )
    count_at = data.index(b"ipma") + 14
    out[count_at] += 1
    out[end_of_ipma:end_of_ipma] = bytes((0x80 | 5,))
    out[end_of_ipco:end_of_ipco] = b"\0\0\0\x09irot\x01"
    for name, more in ((b"meta", 10), (b"iprp", 10), (b"ipco", 9), (b"ipma", 1)):
        at = out.index(name) - 4
        out[at : at + 4] = (int.from_bytes(out[at : at + 4], "big") + more).to_bytes(4, "big")
    old, new = (b"\0\0" + (data.index(b"mdat") + 4 + shift).to_bytes(2, "big") for shift in (0, 10))
    at = out.index(old, out.index(b"iloc"))
    out[at : at + 4] = new
    return bytes(out)


# A grey gradient of ours, 29 x 100, growing downwards; encoded with pillow_heif 1.x, quality 60.
_HEIC = (
    "0000OW^{RQXk}?*00000ZE0pPXk}?*0004MZDn*}000000000XXk=`10000000000aA{+700000000000000000000B57=IV*mgE07O6l0RR"
    "C200001iU0us00000003nG001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01j|zbZr0t000010002$X>f9I0002XX>en20001YX"
    "m(>m0RwOV0058x000009`FGC{rLC*01pFT0096PKmiN^|NjGU00093kN^M!000939=ZZRVE_RDD?$MQ18@KU0|1Z!00RI30{|YNAc3deTdKN"
    "in}CLc0ssI505Sjo0{{XLVgLaE21EhDbHRxK000zeb8uw<00000002M$003kF001asY+-N!0012T00031003kF00061|Nq?p000620000000"
    "062000nhX?SS>000032nYxO000+haBX1#00000000310R({p1cLwo0Bvn#VRQfh0AVNruL;gh+q$Sf8M(8cxB?%bU3NT~m-_V2yUH9E621yQ"
    "?<cl^y$y>$491unFY^<@ur&_(Z#m*DWRnP>G>+#xa{eEtSw8AM`oy|K_XdDW%D{*?pV}zL{1z`(dR}D"
)

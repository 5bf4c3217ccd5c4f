"""What people have said of an image in its metadata: rating, tags, place and caption.

Read from EXIF, IPTC and XMP within the file and from its XMP sidecars; written into an XMP sidecar only, so that no
image's bytes ever change.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PIL import ExifTags, IptcImagePlugin
from PIL import Image as PillowImage

from lookalike.errors import UserError

Place = tuple[float, float]  # degrees: latitude, north positive; longitude, east positive

NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xml": "http://www.w3.org/XML/1998/namespace",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
}
PACKET_BEGIN, PACKET_END = (
    b"<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>\n",
    b"\n<?xpacket end='w'?>\n",
)
MAX_XMP = 16 * 2**20  # bytes of a sidecar that is read
PADDING = b"\0 \r\n\t"  # around an XMP packet
_MADE_UP = re.compile(r"ns\d+")
EXIF_RATING, EXIF_XP_KEYWORDS, EXIF_XP_COMMENT = 0x4746, 0x9C9E, 0x9C9C
IPTC_KEYWORDS, IPTC_CAPTION = (2, 25), (2, 120)


@dataclass(frozen=True, slots=True)
class Metadata:
    """``rating``: 1 to 5, None for none. ``tags``: in their order. ``place``: where it was taken."""

    rating: int | None = None
    tags: tuple[str, ...] = ()
    place: Place | None = None
    caption: str = ""

    def __bool__(self) -> bool:
        return self != Metadata()

    def text(self) -> str:
        """ "rating 5, tags cat and dog, place 48.1370 11.5750, caption 'At home'": one line for people."""
        parts = [
            f"rating {self.rating}" if self.rating else "",
            f"tags {', '.join(self.tags)}" if self.tags else "",
            f"place {self.place[0]:.4f} {self.place[1]:.4f}" if self.place else "",
            f"caption {self.caption!r}" if self.caption else "",
        ]
        return "; ".join(filter(None, parts))


def only_in(a: Metadata, b: Metadata) -> Metadata:
    """What ``a`` says and ``b`` does not. Where both say something else, ``b`` counts, and nothing is missing."""
    known = {tag.casefold() for tag in b.tags}
    return Metadata(
        None if b.rating else a.rating,
        tuple(tag for tag in a.tags if tag.casefold() not in known),
        None if b.place else a.place,
        "" if b.caption else a.caption,
    )


def read_metadata(path: str, sidecars: Iterable[str] = ()) -> Metadata:
    """Of an image and of those of its ``sidecars`` that are XMP, which count first. What cannot be read is empty."""
    found = Metadata()
    for source in (*filter(is_xmp, sidecars), None):
        more = _of_file(path) if source is None else _of_sidecar(source)
        found = united(found, only_in(more, found))
    return found


def is_xmp(path: str) -> bool:
    """Whether the file's name is that of an XMP sidecar."""
    return path.lower().endswith(".xmp")


def united(a: Metadata, more: Metadata) -> Metadata:
    """``a`` with what ``more`` says beyond it, as ``only_in`` gives it."""
    return Metadata(a.rating or more.rating, (*a.tags, *more.tags), a.place or more.place, a.caption or more.caption)


def merged_xmp(before: bytes | None, more: Metadata) -> bytes:
    """An XMP sidecar's text with ``more`` added; a new one without ``before``. Whatever else it says is kept.

    Raises UserError for a sidecar that cannot be read as XMP: it is not overwritten."""
    try:
        root = _parsed(before) if before is not None else _empty()
    except ElementTree.ParseError as error:
        raise UserError(f"the sidecar of the image to keep is no XMP: {error}") from error
    if root.find(".//rdf:Description", NAMESPACES) is None:
        raise UserError("the sidecar of the image to keep is no XMP: it describes nothing")
    _keep_prefixes(before)
    _write(root, more)
    text: bytes = ElementTree.tostring(root, encoding="utf-8")
    return PACKET_BEGIN + text + PACKET_END


# --- reading


def _of_sidecar(path: str) -> Metadata:
    try:
        if os.path.getsize(path) > MAX_XMP:
            return Metadata()
        return _of_xmp(Path(path).read_bytes())
    except OSError:
        return Metadata()


def _of_file(path: str) -> Metadata:
    """By Pillow, which reads the head of the file only. A format that it does not know has no metadata for us."""
    try:
        with PillowImage.open(path) as image:
            found = _of_xmp(_bytes(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""))
            for more in (_of_exif(image.getexif()), _of_iptc(IptcImagePlugin.getiptcinfo(image) or {})):
                found = united(found, only_in(more, found))
            return found
    except Exception:  # Pillow's plugins raise whatever they like for damaged metadata
        return Metadata()


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _of_xmp(text: bytes) -> Metadata:
    try:
        root = _parsed(text)
    except ElementTree.ParseError:
        return Metadata()
    rating = _number(_value(root, "xmp:Rating"))
    latitude, longitude = (_degrees(_value(root, f"exif:GPS{name}")) for name in ("Latitude", "Longitude"))
    return Metadata(
        round(rating) if rating is not None and 1 <= rating <= 5 else None,
        _unique(_items(root, "dc:subject")),
        (latitude, longitude) if latitude is not None and longitude is not None else None,
        next(iter(_items(root, "dc:description")), ""),
    )


def _parsed(text: bytes) -> ElementTree.Element:
    """Raises ParseError. A document type is refused: its entities may stand for gigabytes."""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ElementTree.ParseError("it declares a document type")
    return ElementTree.fromstring(text.strip(PADDING))


def _value(root: ElementTree.Element, name: str) -> str:
    """Of a simple property, which XMP writes as an attribute or as an element."""
    key = _qualified(name)
    for description in root.iterfind(".//rdf:Description", NAMESPACES):
        element = description.find(name, NAMESPACES)
        value = description.get(key) or (element.text if element is not None else None)
        if value:
            return value.strip()
    return ""


def _items(root: ElementTree.Element, name: str) -> list[str]:
    """Of a list or of a text in several languages."""
    found = (one.text or "" for one in root.iterfind(f".//{name}//rdf:li", NAMESPACES))
    return [text.strip() for text in found if text.strip()]


def _qualified(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def _of_exif(exif: Any) -> Metadata:
    places = exif.get_ifd(ExifTags.IFD.GPSInfo)
    latitude, longitude = (_exif_degrees(places, name) for name in ("Latitude", "Longitude"))
    rating = exif.get(EXIF_RATING)
    return Metadata(
        rating if isinstance(rating, int) and 1 <= rating <= 5 else None,
        _unique(_xp_text(exif.get(EXIF_XP_KEYWORDS)).split(";")),
        (latitude, longitude) if latitude is not None and longitude is not None else None,
        str(exif.get(ExifTags.Base.ImageDescription) or "").strip("\0 \n") or _xp_text(exif.get(EXIF_XP_COMMENT)),
    )


def _exif_degrees(places: Mapping[int, Any], name: str) -> float | None:
    value = places.get(ExifTags.GPS[f"GPS{name}"])
    if value is None or len(value) != 3:
        return None
    degrees = math.fsum(float(part) / 60**power for power, part in enumerate(value))
    return -degrees if str(places.get(ExifTags.GPS[f"GPS{name}Ref"], "")).strip("\0 ") in ("S", "W") else degrees


def _xp_text(value: Any) -> str:
    """Windows writes UTF-16 as a tuple of bytes, or as bytes."""
    return bytes(value).decode("utf-16-le", "ignore").strip("\0 ") if value else ""


def _of_iptc(iptc: Mapping[tuple[int, int], Any]) -> Metadata:
    tags = iptc.get(IPTC_KEYWORDS) or []
    words = [one.decode("utf-8", "replace") for one in (tags if isinstance(tags, list) else [tags])]
    caption = iptc.get(IPTC_CAPTION) or b""
    return Metadata(None, _unique(words), None, caption.decode("utf-8", "replace") if caption else "")


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple({word.strip().casefold(): word.strip() for word in words if word.strip()}.values())


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _degrees(text: str) -> float | None:
    """ "48,8.22N" or "48,8,13.2N": as XMP writes them, minutes with their fraction."""
    if not text or text[-1] not in "NSEW":
        return None
    parts = [_number(part) for part in text[:-1].split(",")]
    if None in parts or not 1 <= len(parts) <= 3:
        return None
    degrees = math.fsum((part or 0.0) / 60**power for power, part in enumerate(parts))
    return -degrees if text[-1] in "SW" else degrees


# --- writing


def _empty() -> ElementTree.Element:
    root = ElementTree.Element(_qualified("x:xmpmeta"))
    rdf = ElementTree.SubElement(root, _qualified("rdf:RDF"))
    ElementTree.SubElement(rdf, _qualified("rdf:Description"), {_qualified("rdf:about"): ""})
    return root


def _keep_prefixes(text: bytes | None) -> None:
    """Write the names of this text, and those of NAMESPACES, with the prefixes that they have there."""
    used = ElementTree.iterparse(BytesIO((text or b"").strip(PADDING)), ["start-ns"]) if text else ()
    for prefix, name in (*((p, n) for p, n in NAMESPACES.items() if p != "xml"), *(pair for _, pair in used)):
        if prefix and not _MADE_UP.fullmatch(prefix):  # those ElementTree makes up itself, and refuses to be given
            ElementTree.register_namespace(prefix, name)


def _write(root: ElementTree.Element, more: Metadata) -> None:
    if more.rating:
        _set(root, "xmp:Rating", str(more.rating))
    if more.place:
        _set(root, "exif:GPSLatitude", _xmp_degrees(more.place[0], "NS"))
        _set(root, "exif:GPSLongitude", _xmp_degrees(more.place[1], "EW"))
    for tag in more.tags:
        ElementTree.SubElement(_list(root, "dc:subject", "rdf:Bag"), _qualified("rdf:li")).text = tag
    if more.caption:
        language = {_qualified("xml:lang"): "x-default"}
        item = ElementTree.SubElement(_list(root, "dc:description", "rdf:Alt"), _qualified("rdf:li"), language)
        item.text = more.caption


def _set(root: ElementTree.Element, name: str, value: str) -> None:
    """A simple property, in place of what is said of it, as attribute or element, anywhere."""
    descriptions = root.findall(".//rdf:Description", NAMESPACES)
    for description in descriptions:
        description.attrib.pop(_qualified(name), None)
        for element in description.findall(name, NAMESPACES):
            description.remove(element)
    descriptions[0].set(_qualified(name), value)


def _list(root: ElementTree.Element, name: str, kind: str) -> ElementTree.Element:
    """The list of a property, made if it is not there."""
    element = root.find(f".//{name}", NAMESPACES)
    if element is None:
        element = ElementTree.SubElement(root.findall(".//rdf:Description", NAMESPACES)[0], _qualified(name))
    found = element.find(kind, NAMESPACES)
    return found if found is not None else ElementTree.SubElement(element, _qualified(kind))


def _xmp_degrees(value: float, sides: str) -> str:
    degrees, minutes = divmod(abs(value) * 60, 60)
    return f"{degrees:.0f},{minutes:.6f}{sides[value < 0]}"

"""Metadata: what people said of an image is found wherever it is written, and merged so that others read it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from lookalike.actions.metadata import Metadata, merged_xmp, only_in, read_metadata
from lookalike.errors import UserError

HERE = (-33.8568, 151.2153)
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/" lr:kind="kept"
 exif:GPSLatitude="33,51.408S" exif:GPSLongitude="151,12.918E"><xmp:Rating>4</xmp:Rating>
<dc:subject><rdf:Bag><rdf:li>cat</rdf:li><rdf:li>dog</rdf:li></rdf:Bag></dc:subject>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">At home</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
WHOLE = Metadata(4, ("cat", "dog"), HERE, "At home")


def same(found: Metadata, expected: Metadata) -> bool:
    places = found.place or (0, 0), expected.place or (0, 0)
    near = all(abs(a - b) < 1e-4 for a, b in zip(*places, strict=True))
    return near and (found.rating, found.tags, found.caption) == (expected.rating, expected.tags, expected.caption)


def image(path: Path, **options: object) -> str:
    PillowImage.new("RGB", (8, 8)).save(path, **options)
    return str(path)


def exif() -> PillowImage.Exif:
    found = PillowImage.Exif()
    found[0x4746] = 4
    found[0x9C9E] = "cat;dog".encode("utf-16-le") + b"\0\0"
    found[0x010E] = "At home"
    found.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 24.48), 3: "E", 4: (151.0, 12.0, 55.08)})
    return found


def test_exif(tmp_path: Path) -> None:
    """Rating, Windows' keywords, place and description of EXIF."""
    assert same(read_metadata(image(tmp_path / "a.jpg", exif=exif())), WHOLE)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_xmp_within_the_file(tmp_path: Path, name: str) -> None:
    """XMP that lies in the image file."""
    assert same(read_metadata(image(tmp_path / name, xmp=XMP)), WHOLE)


def test_xmp_beside_the_file(tmp_path: Path) -> None:
    """A sidecar counts before what the file says, and tags of both are united."""
    (tmp_path / "a.xmp").write_bytes(XMP.replace(b"dog", b"bird"))
    path = image(tmp_path / "a.jpg", exif=exif())
    assert read_metadata(path, [str(tmp_path / "a.xmp")]).tags == ("cat", "bird", "dog")


def test_iptc(tmp_path: Path) -> None:
    """Keywords and caption in a JPEG's IPTC record."""
    fields = [(25, b"cat"), (25, b"dog"), (120, b"At home")]
    record = b"".join(b"\x1c\x02" + struct.pack(">BH", number, len(text)) + text for number, text in fields)
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)
    data = Path(image(tmp_path / "plain.jpg")).read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:])
    assert read_metadata(str(tmp_path / "a.jpg")) == Metadata(None, ("cat", "dog"), None, "At home")


def test_nothing(tmp_path: Path) -> None:
    """A plain image, a file that is no image, a broken sidecar and one with a document type say nothing."""
    (tmp_path / "b.xmp").write_text("<x")
    (tmp_path / "c.xmp").write_text("<!DOCTYPE x [<!ENTITY a 'b'>]>" + XMP.decode())
    (tmp_path / "a.txt").write_text("text")
    sidecars = [str(tmp_path / name) for name in ("b.xmp", "c.xmp", "gone.xmp")]
    assert not read_metadata(image(tmp_path / "a.png"), sidecars)
    assert not read_metadata(str(tmp_path / "a.txt"))


def test_only_in_one() -> None:
    """What both say in other words is not missing; what one alone says is."""
    assert only_in(WHOLE, Metadata(2, ("Dog",), None, "")) == Metadata(None, ("cat",), HERE, "At home")
    assert not only_in(WHOLE, WHOLE)
    assert only_in(WHOLE, Metadata()) == WHOLE


def test_a_new_sidecar(tmp_path: Path) -> None:
    """What is written reads the same."""
    (tmp_path / "a.jpg.xmp").write_bytes(merged_xmp(None, WHOLE))
    assert same(read_metadata(image(tmp_path / "a.jpg"), [str(tmp_path / "a.jpg.xmp")]), WHOLE)


def test_merging_keeps_the_rest(tmp_path: Path) -> None:
    """Tags are added, a rating of nought is replaced, and what we do not know stays, under its prefix."""
    before = XMP.replace(b"<xmp:Rating>4", b"<xmp:Rating>0")
    text = merged_xmp(before, Metadata(5, ("bird",), None, ""))
    (tmp_path / "a.xmp").write_bytes(text)
    found = read_metadata(image(tmp_path / "a.jpg"), [str(tmp_path / "a.xmp")])
    assert same(found, Metadata(5, ("cat", "dog", "bird"), HERE, "At home"))
    assert b'lr:kind="kept"' in text
    assert text.count(b"Rating") == 1


@pytest.mark.parametrize("before", [b"<x", b"<x/>", b"no XMP at all"])
def test_no_xmp_is_not_overwritten(before: bytes) -> None:
    """A sidecar that cannot be read as XMP is an error."""
    with pytest.raises(UserError, match="no XMP"):
        merged_xmp(before, WHOLE)

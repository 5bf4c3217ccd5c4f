"""Pascal VOC annotations: an XML for each image (Everingham et al., "The PASCAL VOC Challenge", 2010)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from lookalike.errors import UserError
from lookalike.imaging import is_image_name
from lookalike.training.data.annotations import (
    AnnotatedImage,
    AnnotationList,
    LabelledBox,
    Size,
    merge_by_path,
    parse_number,
    read_limited,
)

ANNOTATIONS, IMAGES = "Annotations", ("JPEGImages", "images", "Images", "")


class DoctypeForbidden(ValueError):
    """XML that declares a document type: it may grow without end, or read other files."""


def xml_files(folder: Path) -> list[Path]:
    """Those of the folder, or of its Annotations/."""
    place = folder / ANNOTATIONS if (folder / ANNOTATIONS).is_dir() else folder
    return sorted(place.rglob("*.xml"))


def read_voc(folder: Path, images: Path | None) -> AnnotationList:
    """The images and boxes of a folder of XML files. ``images``: the folder of the images; None: JPEGImages/ or
    images/, or beside the XML. Images without XML are not taken. Boxes that are marked as difficult are boxes.

    A file that is damaged, or declares a document type, is left out and counted."""
    problems: Counter[str] = Counter()
    root = images or next(folder / name for name in IMAGES if (folder / name).is_dir())
    stems = _by_stem(root)
    listed = []
    for file in xml_files(folder):
        try:
            document = parse_xml(read_limited(file))
        except (DoctypeForbidden, ElementTree.ParseError, expat.ExpatError, UserError, ValueError, LookupError):
            problems["XML files that are damaged, left out"] += 1
            continue
        listed.append(AnnotatedImage(_image(document, file, root, stems), _boxes(document, problems), _size(document)))
    unique = merge_by_path(listed)
    names = sorted({box.name for one in unique for box in one.boxes})
    return AnnotationList(root, unique, tuple(names), +problems)


def parse_xml(data: bytes) -> ElementTree.Element:
    """The tree of an XML text. Raises DoctypeForbidden for one with a document type, and ParseError for what is no
    XML."""
    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = _refuse
    guard.Parse(data, True)  # first: nothing is expanded before the document type is seen
    return ElementTree.fromstring(data)


def _refuse(*_: object) -> None:
    raise DoctypeForbidden("it declares a document type")


def _by_stem(root: Path) -> dict[str, Path]:
    """The images of a folder by their names without ending."""
    return {path.stem: path for path in sorted(root.rglob("*"), reverse=True) if is_image_name(path.name)}


def _image(document: ElementTree.Element, file: Path, root: Path, stems: dict[str, Path]) -> Path:
    """The image that the file names; else the one that is called like the XML file."""
    name = (document.findtext("filename") or "").strip().replace("\\", "/").rpartition("/")[2]
    there = root / name
    if name and there.is_file():
        return there
    return stems.get(Path(name).stem, stems.get(file.stem, root / (name or f"{file.stem}.jpg")))


def _size(document: ElementTree.Element) -> Size | None:
    width, height = parse_number(document.findtext("size/width")), parse_number(document.findtext("size/height"))
    return (int(width), int(height)) if 1 <= width < 1e9 and 1 <= height < 1e9 else None


def _boxes(document: ElementTree.Element, problems: Counter[str]) -> tuple[LabelledBox, ...]:
    found = []
    for one in document.iter("object"):
        name = (one.findtext("name") or "").strip()
        if not name or one.find("bndbox") is None:
            problems["objects without a name or a box, left out"] += 1
            continue
        problems["boxes marked as difficult, taken like any other"] += (one.findtext("difficult") or "").strip() == "1"
        left, top, right, bottom = (
            parse_number(one.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")
        )
        # pixels are counted from 1, and the last one belongs to the box
        found.append(LabelledBox((left - 1, top - 1, right - left + 1, bottom - top + 1), name))
    return tuple(found)

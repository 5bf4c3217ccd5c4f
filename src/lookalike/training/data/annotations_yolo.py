"""YOLO annotations: a text file for each image, a line for each box: class x y w h, in shares of the image,
x and y of the middle; names in a YAML file or in classes.txt."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from pathlib import Path

from lookalike.errors import UserError
from lookalike.imaging import is_image_name
from lookalike.training.data.annotations import (
    XYWH,
    AnnotatedImage,
    AnnotationList,
    LabelledBox,
    parse_number,
    read_limited,
)

IMAGES, LABELS = "images", "labels"
YAML = ("data.yaml", "config.yaml", "dataset.yaml", "*.yaml", "*.yml")
TEXTS = ("classes.txt", "obj.names", "*.names", f"{LABELS}/classes.txt")
MAX_CLASSES = 100_000
_ENTRY = re.compile(r"""\s+(?:(?P<key>\d+)\s*:|-)\s*(?P<name>.+)""")
_QUOTED = re.compile(r"""\s*(?:(\d+)\s*:\s*)?(?:"([^"]*)"|'([^']*)'|([^,]+))\s*(?:,|$)""")


def label_folders(folder: Path) -> list[Path]:
    """Every labels/ with an images/ beside it: of the folder, or of its parts, as in train/labels."""
    places = [folder, *sorted(one for one in folder.iterdir() if one.is_dir())]
    return [place / LABELS for place in places if (place / LABELS).is_dir()]


def read_yolo(folder: Path, images: Path | None) -> AnnotationList:
    """The images and boxes of a folder with labels/ and images/. ``images``: where the latter lies instead.

    An image without a text file shows nothing. Outlines of more than four numbers count by their extent."""
    problems: Counter[str] = Counter()
    names = names_of(folder)
    listed: list[AnnotatedImage] = []
    used: set[Path] = set()
    for labels in label_folders(folder):
        place = images or labels.with_name(IMAGES)
        for image in _images(place):
            text = labels / image.relative_to(place).with_suffix(".txt")
            used.add(text)
            if not text.is_file():
                problems["images without a text file, taken to show nothing"] += 1
            listed.append(
                AnnotatedImage(image, _boxes(text, names, problems) if text.is_file() else (), normalised=True)
            )
        every = {path for path in labels.rglob("*.txt") if path.name != "classes.txt"}
        problems["text files without an image, left out"] += len(every - used)
    known = {box.name for one in listed for box in one.boxes}
    order = [*names, *sorted(known - set(names))]
    return AnnotationList(images or folder, tuple(sorted(listed, key=lambda one: one.path)), tuple(order), +problems)


def names_of(folder: Path) -> list[str]:
    """What the classes are called, from 0; empty where no file names them."""
    for pattern in YAML:
        for file in sorted(folder.glob(pattern)):
            if names := _of_yaml(read_limited(file).decode("utf-8", "replace")):
                return names
    for pattern in TEXTS:
        for file in sorted(folder.glob(pattern)):
            return [line.strip() for line in read_limited(file).decode("utf-8", "replace").splitlines() if line.strip()]
    return []


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; it should hold the images")
    found = [Path(place) / name for place, _, names in os.walk(folder) for name in names if is_image_name(name)]
    return sorted(found)


def _boxes(file: Path, names: list[str], problems: Counter[str]) -> tuple[LabelledBox, ...]:
    found = []
    for line in read_limited(file).decode("utf-8", "replace").splitlines():
        words = line.split()
        if not words:
            continue
        box, kind = _box(words[1:]), parse_number(words[0])
        if box is None or not kind.is_integer() or not 0 <= kind < MAX_CLASSES:
            problems["lines that are not: class x y w h; left out"] += 1
        else:
            found.append(LabelledBox(box, names[int(kind)] if kind < len(names) else f"class {int(kind)}"))
    return tuple(found)


def _box(words: list[str]) -> XYWH | None:
    """x, y, width and height of four numbers (a fifth is a score), or of an outline."""
    values = [parse_number(word) for word in words]
    if len(values) in (4, 5):
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, width, height
    if len(values) < 6 or len(values) % 2:
        return None
    if not math.isfinite(sum(values)):
        return math.nan, math.nan, math.nan, math.nan
    left, top = min(values[::2]), min(values[1::2])
    return left, top, max(values[::2]) - left, max(values[1::2]) - top


def _of_yaml(text: str) -> list[str]:
    """The list or table ``names`` of a YAML text, which may stand on one line or on one for each."""
    lines = text.splitlines()
    start = next((row for row, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        return []
    rest = _bare(lines[start].split(":", 1)[1])
    if rest[:1] in ("[", "{"):
        inner = re.match(r"[\[{](.*?)[\]}]", " ".join([rest, *map(_bare, lines[start + 1 :])]))
        entries = [(key, a or b or c) for key, a, b, c in _QUOTED.findall(inner[1])] if inner else []
    else:
        entries = _rows(lines[start + 1 :])
    numbered = {int(key) if key else row: name.strip() for row, (key, name) in enumerate(entries)}
    if not numbered or max(numbered) >= MAX_CLASSES:
        return []
    return [numbered.get(row, f"class {row}") for row in range(max(numbered) + 1)]


def _rows(lines: list[str]) -> list[tuple[str, str]]:
    """(number or "", name) of each line of a list, to its end."""
    entries = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _ENTRY.fullmatch(_bare(f" {line}" if line.startswith("-") else line, strip=False))
        if entry is None:
            break
        entries.append((entry["key"] or "", entry["name"].strip().strip("\"'")))
    return entries


def _bare(line: str, strip: bool = True) -> str:
    """Without a comment."""
    line = re.sub(r"\s#.*", "", line).rstrip()
    return line.strip() if strip else line

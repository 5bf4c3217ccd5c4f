"""COCO annotations: one JSON file with images, annotations and categories (cocodataset.org, "Data format")."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from lookalike.errors import UserError
from lookalike.training.data.annotations import (
    XYWH,
    AnnotatedImage,
    AnnotationList,
    LabelledBox,
    Size,
    find_image_folder,
    merge_by_path,
    parse_number,
    read_limited,
)

TABLES = ("images", "annotations", "categories")


def read_coco(file: Path, images: Path | None) -> AnnotationList:
    """The images and boxes of a COCO file. ``images``: the folder of the images; None: it is looked for beside
    the file and one folder up. Raises UserError for what is no such file."""
    tables, problems = _tables(file), Counter[str]()
    names = _names(tables["categories"])
    boxes = _boxes(tables["annotations"], names, problems)
    listed, known = [], set()
    for image in tables["images"]:
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str) or not image["file_name"]:
            problems["images without file_name, left out"] += 1
            continue
        known.add(str(image.get("id")))
        listed.append((image["file_name"], tuple(boxes.get(str(image.get("id")), ())), _size(image)))
    if unlisted := sum(len(found) for key, found in boxes.items() if key not in known):
        problems["boxes of images that are not listed, left out"] += unlisted
    root = images or find_image_folder(_folders(file), [name for name, _, _ in listed])
    listed_once = merge_by_path(AnnotatedImage(root / name, found, size) for name, found, size in listed)
    if len(listed_once) < len(listed):
        problems["images listed more than once, taken as one"] += len(listed) - len(listed_once)
    return AnnotationList(root, listed_once, tuple(dict.fromkeys(names.values())), problems)


def is_coco(file: Path) -> bool:
    """Whether the file says that it is of this kind, judged by its first and last pages."""
    try:
        with file.open("rb") as stream:
            head = stream.read(1 << 20)
            stream.seek(max(0, file.stat().st_size - (1 << 16)))
            ends = head + stream.read()
    except OSError:
        return False
    return b'"images"' in ends or b'"annotations"' in ends


def _tables(file: Path) -> dict[str, list[Any]]:
    try:
        document = json.loads(read_limited(file))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not JSON, or cut short: {error}") from None
    missing = [key for key in TABLES if not isinstance(document, dict) or not isinstance(document.get(key), list)]
    if missing:
        raise UserError(f"{file}: no COCO file of boxes: it has no list {', '.join(map(repr, missing))}")
    return {key: document[key] for key in TABLES}


def _names(categories: list[Any]) -> dict[str, str]:
    """The id of each class, as text, -> its name."""
    found = [(str(one["id"]), one.get("name")) for one in categories if isinstance(one, dict) and "id" in one]
    return {key: name.strip() if isinstance(name, str) and name.strip() else f"class {key}" for key, name in found}


def _boxes(annotations: list[Any], names: dict[str, str], problems: Counter[str]) -> dict[str, list[LabelledBox]]:
    """The id of each image, as text, -> its boxes."""
    found: dict[str, list[LabelledBox]] = defaultdict(list)
    for one in annotations:
        box = _box(one)
        if not isinstance(one, dict) or box is None:
            problems["annotations without a bbox of four numbers, left out"] += 1
        elif one.get("iscrowd") in (1, True):
            problems["boxes of a crowd (iscrowd), left out"] += 1
        elif str(one.get("category_id")) not in names:
            problems["boxes of an unknown category, left out"] += 1
        else:
            found[str(one.get("image_id"))].append(LabelledBox(box, names[str(one["category_id"])]))
    return found


def _box(annotation: Any) -> XYWH | None:
    box = annotation.get("bbox") if isinstance(annotation, dict) else None
    if not isinstance(box, list) or len(box) != 4:
        return None
    x, y, width, height = map(parse_number, box)
    return x, y, width, height


def _size(image: dict[str, Any]) -> Size | None:
    width, height = parse_number(image.get("width")), parse_number(image.get("height"))
    return (int(width), int(height)) if 1 <= width < 1e9 and 1 <= height < 1e9 else None


def _folders(file: Path) -> list[Path]:
    """Where the images of a file may lie: its own folder, the one above, and what those usually hold."""
    here = file.absolute().parent
    split = file.stem.rpartition("_")[2]  # instances_val2017
    return [place for folder in (here, here.parent) for place in (folder, folder / "images", folder / split)] + [
        here.parent / "images" / split
    ]

"""Boxes as COCO tells them: one JSON file with images, annotations and categories (cocodataset.org, "Data format")."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from lookalike.errors import UserError
from lookalike.training.data.box_list import BoxList, Listed, Marked, Numbers, Size, first_folder, number, once, text_of

TABLES = ("images", "annotations", "categories")


def read_coco(file: Path, images: Path | None) -> BoxList:
    """The images and boxes of a COCO file. ``images``: the folder of the images; None: it is looked for beside
    the file and one folder up. Raises UserError for what is no such file."""
    told, trouble = _tables(file), Counter[str]()
    names = _names(told["categories"])
    boxes = _boxes(told["annotations"], names, trouble)
    listed, known = [], set()
    for image in told["images"]:
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str) or not image["file_name"]:
            trouble["images without file_name, left out"] += 1
            continue
        known.add(str(image.get("id")))
        listed.append((image["file_name"], tuple(boxes.get(str(image.get("id")), ())), _size(image)))
    if strange := sum(len(found) for key, found in boxes.items() if key not in known):
        trouble["boxes of images that are not listed, left out"] += strange
    root = images or first_folder(_folders(file), [name for name, _, _ in listed])
    listed_once = once(Listed(root / name, found, size) for name, found, size in listed)
    if len(listed_once) < len(listed):
        trouble["images listed more than once, taken as one"] += len(listed) - len(listed_once)
    return BoxList(root, listed_once, tuple(dict.fromkeys(names.values())), trouble)


def is_coco(file: Path) -> bool:
    """Whether the file says that it is of this kind, as far as its first and last pages tell."""
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
        told = json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not JSON, or cut short: {error}") from None
    missing = [key for key in TABLES if not isinstance(told, dict) or not isinstance(told.get(key), list)]
    if missing:
        raise UserError(f"{file}: no COCO file of boxes: it has no list {', '.join(map(repr, missing))}")
    return {key: told[key] for key in TABLES}


def _names(categories: list[Any]) -> dict[str, str]:
    """The id of each class, as text, -> its name."""
    found = [(str(one["id"]), one.get("name")) for one in categories if isinstance(one, dict) and "id" in one]
    return {key: name.strip() if isinstance(name, str) and name.strip() else f"class {key}" for key, name in found}


def _boxes(annotations: list[Any], names: dict[str, str], trouble: Counter[str]) -> dict[str, list[Marked]]:
    """The id of each image, as text, -> its boxes."""
    found: dict[str, list[Marked]] = defaultdict(list)
    for one in annotations:
        box = _box(one)
        if not isinstance(one, dict) or box is None:
            trouble["annotations without a bbox of four numbers, left out"] += 1
        elif one.get("iscrowd") in (1, True):
            trouble["boxes of a crowd (iscrowd), left out"] += 1
        elif str(one.get("category_id")) not in names:
            trouble["boxes of an unknown category, left out"] += 1
        else:
            found[str(one.get("image_id"))].append(Marked(box, names[str(one["category_id"])]))
    return found


def _box(annotation: Any) -> Numbers | None:
    box = annotation.get("bbox") if isinstance(annotation, dict) else None
    if not isinstance(box, list) or len(box) != 4:
        return None
    x, y, width, height = map(number, box)
    return x, y, width, height


def _size(image: dict[str, Any]) -> Size | None:
    width, height = number(image.get("width")), number(image.get("height"))
    return (int(width), int(height)) if 1 <= width < 1e9 and 1 <= height < 1e9 else None


def _folders(file: Path) -> list[Path]:
    """Where the images of a file may lie: its own folder, the one above, and what those usually hold."""
    here = file.absolute().parent
    split = file.stem.rpartition("_")[2]  # instances_val2017
    return [place for folder in (here, here.parent) for place in (folder, folder / "images", folder / split)] + [
        here.parent / "images" / split
    ]

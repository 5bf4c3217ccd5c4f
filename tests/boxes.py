"""Images with boxes for tests: coloured discs and squares on noise, and the three ways to tell where they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from samples import save

COLOURS = {"disc": (230, 60, 50), "square": (50, 90, 230)}
Annotations = list[tuple[str, tuple[int, int, int, int]]]


def scene(number: int, side: int = 96) -> tuple[np.ndarray, Annotations]:
    """(side, side, 3) uint8, and what is in it: a name and x, y, width, height in pixels."""
    random = np.random.default_rng(number)
    pixels = random.integers(90, 140, (side, side, 3))
    boxes: Annotations = []
    for kind in random.permutation(["disc", "square"])[: 1 + number % 2]:
        size = int(random.integers(side // 5, side // 2))
        x, y = (int(random.integers(0, side - size)) for _ in range(2))
        rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
        inside = rows**2 + columns**2 <= (size / 2) ** 2 if kind == "disc" else np.ones((size, size), bool)
        pixels[y : y + size, x : x + size][inside] = COLOURS[str(kind)]
        boxes.append((str(kind), (x, y, size, size)))
    return pixels.astype(np.uint8), boxes


def coco_in(folder: Path, count: int, side: int = 96) -> Path:
    """A COCO file, boxes.json, beside its images."""
    images, annotations = [], []
    for number in range(count):
        pixels, boxes = scene(number, side)
        save(folder / f"{number:03}.png", pixels)
        images.append({"id": number, "file_name": f"{number:03}.png", "width": side, "height": side})
        annotations += [
            {"id": 10 * number + row, "image_id": number, "category_id": 1 + (kind == "square"), "bbox": list(box)}
            for row, (kind, box) in enumerate(boxes)
        ]
    return write_coco(folder / "boxes.json", images, annotations, {1: "disc", 2: "square"})


def write_coco(file: Path, images: list, annotations: list, names: dict) -> Path:
    categories = [{"id": number, "name": name} for number, name in names.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return file

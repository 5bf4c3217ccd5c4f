"""A small shop for tests: items whose colours say what is like what, and their gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from images import encode
from lookalike.gallery import Gallery

ITEMS = """id,title,file,price,size,variant_of
red-s,Red cotton shirt,red1.png,10,S,
red-m,Red cotton shirt,red2.png,10,M,red-s
crimson,Silk dress,crimson.png,80,M,
blue,Cotton shirt in blue,blue.png,12,M,
green,Wool hat,green.png,15,S,
red/s,Odd one,green.png,3,,
no1,Leather boots,,70,M,
"""
COLOURS = {
    "red1": (200, 30, 30),
    "red2": (198, 32, 30),
    "crimson": (185, 25, 45),
    "blue": (30, 30, 200),
    "green": (30, 160, 60),
    "query": (205, 28, 28),
}


def draw_items(folder: Path, table: str) -> None:
    """Textured images of these colours, and a table of items, ``items.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, colour) in enumerate(COLOURS.items()):
        noise = np.random.default_rng(seed).integers(-20, 21, (12, 12, 3)).repeat(8, 0).repeat(8, 1)
        pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
        (folder / f"{name}.png").write_bytes(encode(pixels))
    (folder / "items.csv").write_text(table)


def draw_shop(folder: Path) -> Path:
    """The images, the table, and ``g.gallery`` with both but the query."""
    draw_items(folder, ITEMS)
    with Gallery.create(folder / "g.gallery", ["colour", "texture"]) as gallery:
        gallery.add_catalogue(folder / "items.csv")
    return folder

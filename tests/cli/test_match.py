"""lookalike match: a gallery against lists of hashes, with bits turned over by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike import describe
from lookalike.gallery import Gallery
from lookalike.types import HashReport
from samples import reduced, save
from terminal import fields, here


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cat and a cup, known by PDQ."""
    folder = tmp_path_factory.mktemp("match")
    for name in ("chelsea", "coffee"):
        save(folder / "photos" / f"{name}.png", reduced(name))
    with Gallery.create(folder / "g", ["pdq", "copy"]) as gallery:
        gallery.add(folder / "photos")
    return folder


def turned(image: Path, bits: int) -> str:
    """The hash of an image with so many of its bits turned over."""
    every = np.unpackbits(describe([image], "pdq")[0])
    every[np.random.default_rng(1).choice(len(every), bits, replace=False)] ^= 1
    return np.packbits(every).tobytes().hex()


def test_what_is_near_enough_is_found(folder: Path) -> None:
    """At 31 bits and no more, by default, the nearest first; lines that hold no hash are told, and the code is 1."""
    cat, cup = folder / "photos" / "chelsea.png", folder / "photos" / "coffee.png"
    lines = [turned(cat, 31), turned(cat, 32), "", "zz", turned(cup, 3)[:-2], turned(cup, 3).upper()]
    (folder / "list.csv").write_text("id,hash\n" + "\n".join(f"{n},{line}" for n, line in enumerate(lines)) + "\n")
    ran = here("match", folder / "list.csv", "--gallery", folder / "g", "--json")
    assert (ran.code, list(ran.json)) == (1, fields(HashReport))
    assert [(Path(one["path"]).name, one["line"], one["distance"]) for one in ran.json["matches"]] == [
        ("coffee.png", 7, 3),
        ("chelsea.png", 2, 31),
    ]
    assert ran.json["hashes"] == 3
    assert [one["path"].rsplit(":", 1)[1] for one in ran.json["failed"]] == ["4", "5", "6"]
    wider = here("match", folder / "list.csv", "--gallery", folder / "g", "--max-distance", 32)
    assert "3 matches with 3 hashes" in wider.out


def test_what_was_exported_is_a_list(folder: Path) -> None:
    """Every image matches itself, and nothing else."""
    here("export", "vectors", "--by", "pdq", "--gallery", folder / "g", "--out", folder / "pdq.csv")
    ran = here("match", folder / "pdq.csv", "--gallery", folder / "g", "--json")
    assert [one["distance"] for one in ran.json["matches"]] == [0, 0]
    assert (ran.code, ran.json["hashes"]) == (0, 2)


def test_mistakes(folder: Path) -> None:
    """No such column, what is no table, a descriptor that is no hash or not held, and a list without a hash; what is
    said names a remedy."""
    (folder / "other.csv").write_text("name\nx\n")
    (folder / "empty.csv").write_text("hash\n")
    unnamed = here("match", folder / "other.csv", "--gallery", folder / "g").err
    assert "no 'hash' in 'name', and none called 'pdq'" in unnamed
    image = folder / "photos" / "coffee.png"
    assert here("match", image, "--gallery", folder / "g").err.endswith("it holds bytes that no text has\n")
    lacking = here("match", folder / "empty.csv", "--gallery", folder / "g", "--by", "dhash").err
    assert f"--gallery {folder / 'g'} --with dhash" in lacking
    assert "no hash of bits" in here("match", folder / "empty.csv", "--gallery", folder / "g", "--by", "copy").err
    assert here("match", folder / "empty.csv", "--gallery", folder / "g", "--by", "structure").code == 2
    assert here("match", folder / "empty.csv", "--gallery", folder / "g", "--max-distance", 256).code == 2
    assert here("match", folder / "empty.csv", "--gallery", folder / "g").out == "0 matches with 0 hashes\n"

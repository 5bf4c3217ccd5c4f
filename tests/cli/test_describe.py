"""lookalike describe: the library's vectors, as words and as JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lookalike as la
from lookalike.descriptors import HASHES, get
from samples import drawn, save
from terminal import here, process


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    return [save(tmp_path / f"{number}.png", drawn(number)) for number in range(3)]


@pytest.mark.parametrize("by", HASHES)
def test_json(images: list[Path], by: str) -> None:
    """Descriptor and fingerprint, and of each image path, contrast, and the vector that the library gives."""
    ran = here("describe", *images, "--by", by, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == ["descriptor", "fingerprint", "images", "failed"]
    assert (ran.json["descriptor"], ran.json["fingerprint"]) == (by, get(by).card.fingerprint)
    expected = la.describe(images, by)
    for path, line, vector in zip(images, ran.json["images"], expected, strict=True):
        assert list(line) == ["path", "contrast", "vector"]
        assert line["path"] == str(path)
        assert 0 < line["contrast"] <= 1
        if get(by).card.metric == "hamming":
            assert bytes.fromhex(line["vector"]) == vector.tobytes()
        else:
            assert np.allclose(line["vector"], vector, atol=1e-5)


def test_words(images: list[Path]) -> None:
    """For people: the hash of the structure, its contrast and the file, a line each."""
    ran = process("describe", *images)
    assert (ran.code, ran.err) == (0, "")
    expected = [vector.tobytes().hex() for vector in la.describe(images, "structure")]
    assert [line.split()[0] for line in ran.out.splitlines()] == expected


def test_what_cannot_be_read(images: list[Path], tmp_path: Path) -> None:
    """A bad file costs only itself: the others are described, the code is 1, the reason is on stderr."""
    (tmp_path / "bad.jpg").write_text("no image")
    ran = here("describe", images[0], tmp_path / "bad.jpg", images[1], "--json")
    assert ran.code == 1
    assert [one["path"] for one in ran.json["images"]] == [str(path) for path in images[:2]]
    assert [one["path"] for one in ran.json["failed"]] == [str(tmp_path / "bad.jpg")]
    assert "bad.jpg: " in ran.err


def test_an_unknown_descriptor(images: list[Path]) -> None:
    """The refusal names the descriptors that there are."""
    ran = here("describe", images[0], "--by", "nonsense")
    assert (ran.code, ran.out) == (2, "")
    assert all(name in ran.err for name in HASHES)

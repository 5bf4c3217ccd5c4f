"""Probabilities that are fitted to a library's own images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lookalike.comparison.calibration import curve
from lookalike.comparison.pair import ComparisonInput, extract_features
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.calibration import calibrate, scoring
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from quickly import from_few_pairs
from samples import drawn, folder_of, save

COUNT = 22


def read_once() -> Callable[[object], ComparisonInput]:
    """``extract_features``, which remembers what it found in a file: each image is a negative of many."""
    of_file, of_image = cache(extract_features), extract_features
    return lambda source: of_file(source) if isinstance(source, str) else of_image(source)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Images of one kind: a plain ground and a small thing in the middle; calibrated."""
    folder = tmp_path_factory.mktemp("own")
    for number in range(COUNT):
        pixels = np.full((160, 200, 3), 235, np.uint8)
        pixels[40:120, 50:150] = drawn(number, 100, 80)
        save(folder / "photos" / f"{number:02}.jpg", pixels, quality=92)
    with Gallery.create(folder / "g", keypoints=True) as opened:
        opened.add(folder / "photos")
        result: list[tuple[int, int]] = []
        assert not opened.is_calibrated
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(calibrate, "extract_features", read_once())
            opened.calibrate(lambda done, total: result.append((done, total)))
        assert result[-1] == (COUNT, COUNT)
        yield opened


def test_curves_are_kept(gallery: Gallery) -> None:
    """There is a curve for the blend, for `copy` and for what was looked at; each is kept with what it is from."""
    with Gallery.open(gallery.path) as again:
        assert again.is_calibrated
        own = scoring.gallery_curves(again._library.store)
    assert set(own) == {"blend", "copy", "verified"}
    assert all(one.slope > 0 and "of this library" in one.origin for one in own.values())
    assert own["copy"].background_weight / own["copy"].slope == pytest.approx(
        curve("copy").background_weight / curve("copy").slope
    )


def test_copies_and_strangers_are_told(gallery: Gallery) -> None:
    """By the library's own curves new copies of its images are found and images of the same kind are not."""
    for number in range(0, COUNT, 6):
        copy = apply("jpeg-10", np.asarray(gallery_pixels(number)))
        hits = gallery.search(from_array(copy), 3, precision=0.9)
        assert [Path(hit.path).name for hit in hits] == [f"{number:02}.jpg"]
    negative = np.full((160, 200, 3), 235, np.uint8)
    negative[40:120, 50:150] = drawn(4711, 100, 80)
    assert gallery.search(from_array(negative), 3, precision=0.9) == []


def gallery_pixels(number: int) -> np.ndarray:
    pixels = np.full((160, 200, 3), 235, np.uint8)
    pixels[40:120, 50:150] = drawn(number, 100, 80)
    return pixels


def test_own_curves_go_first(gallery: Gallery) -> None:
    """duplicates takes its limit from the library's own curve."""
    own = scoring.gallery_curves(gallery._library.store)
    assert own["blend"].distance(0.99, 1 / 31) != pytest.approx(curve("blend").distance(0.99, 1 / 31))
    assert gallery.duplicates(precision=0.99) == []


def test_the_better_curve_is_kept() -> None:
    """A curve of the library's own where copies and strangers lie elsewhere; the shipped one where it is right."""
    rng, shipped = np.random.default_rng(7), curve("blend")
    middle = shipped.intercept / shipped.slope
    far = [pair(n // 2, n % 2 == 0, middle + 9 + (0.5 if n % 2 else 0) + rng.normal(0, 0.1)) for n in range(200)]
    assert calibrate._better_curve("blend", far, "these").origin == "these"
    distances = rng.uniform(middle - 4 / shipped.slope, middle + 4 / shipped.slope, 400)
    said = [pair(n, rng.random() < shipped.probability(x), x) for n, x in enumerate(distances)]
    assert calibrate._better_curve("blend", said, "these").origin.startswith("the shipped curve")


def pair(image: int, same: bool, distance: float) -> calibrate.CalibrationPair:
    return calibrate.CalibrationPair(image, same, 1.0, {"blend": float(distance)})


def test_nothing_to_go_by(tmp_path: Path) -> None:
    """A gallery that holds none of what the decision weighs says so."""
    with Gallery.create(tmp_path / "g", ["pdq"]) as opened, pytest.raises(UserError, match="this gallery holds pdq"):
        opened.calibrate()


def test_too_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of images has no curve of its own, and says so."""
    from_few_pairs(monkeypatch)
    folder_of(tmp_path / "photos", 5)
    with Gallery.create(tmp_path / "g") as opened:
        opened.add(tmp_path / "photos")
        with pytest.raises(UserError, match="20 images"):
            opened.calibrate()
        assert not opened.is_calibrated

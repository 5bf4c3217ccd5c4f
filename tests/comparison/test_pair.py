"""Two real photographs or drawn images -> the relation that they are known to have, its orientation and its
transform."""

from __future__ import annotations

import io
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

import lookalike as la
from lookalike.comparison import pair
from lookalike.descriptors import HASHES
from lookalike.errors import FileMissing, NotAnImage
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from samples import PHOTOGRAPHS, drawn, photograph_path, save
from samples import photograph as photograph_in_full

EVERY = (*HASHES, "copy", "content")

SYMMETRIC = "retina.jpg"  # round: its orientations are nearly alike
BACK = {"rotated 90": "rotated 270", "rotated 270": "rotated 90"}


@cache
def photograph(name: str) -> np.ndarray:
    """A real photograph, its short side 200 to 399 pixels: as telling as the full one, and quicker."""
    full = Pillow.fromarray(photograph_in_full(name))
    return np.asarray(full.reduce(max(1, min(full.size) // 200)))


def both_ways(a, b) -> la.Comparison:
    """Compare b with a, too: the relation is the same, the orientation is the opposite one."""
    found = {id(one): pair.extract_features(one, pair.shipped_names()) for one in (a, b)}  # each is described once
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair, "extract_features", lambda one, _: found[id(one)])
        there, back = la.compare(a, b), la.compare(b, a)
    assert back.relation == there.relation
    assert BACK.get(there.orientation, there.orientation) == back.orientation
    assert there.distances == pytest.approx(back.distances, rel=1e-6)
    assert (there.transform is None) == (back.transform is None)
    if there.transform is not None and back.transform is not None:
        assert np.allclose(np.eye(3), there.transform @ back.transform)
    return there


def corners(image: la.Image) -> list[tuple[float, float]]:
    """Top left, top right, bottom right, bottom left."""
    return [(0, 0), (image.width, 0), (image.width, image.height), (0, image.height)]


def transformed(comparison: la.Comparison, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points of a in pixels of b."""
    assert comparison.transform is not None
    assert (comparison.transform.shape, comparison.transform.dtype) == ((3, 3), np.float64)
    homogeneous = [comparison.transform @ (x, y, 1.0) for x, y in points]
    return [(float(x / w), float(y / w)) for x, y, w in homogeneous]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_identical(name: str, tmp_path: Path) -> None:
    """The same bytes are identical, by whatever name, as a path, as bytes or as an Image."""
    path = photograph_path(name)
    other = tmp_path / "other.name"
    other.write_bytes(path.read_bytes())
    for b in (path, str(path), path.read_bytes(), other):
        found = la.compare(path, b)
        assert (found.relation, found.probability, found.orientation) == ("identical", 1.0, "upright")
        assert found.distances == pytest.approx(dict.fromkeys(EVERY, 0.0), abs=1e-6)
        assert np.array_equal(np.eye(3), found.transform)
    assert la.compare(path, la.load(other)).relation == "identical"


def encoded(pixels: np.ndarray, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, file_format, **options)
    return stream.getvalue()


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_re_encoded(name: str) -> None:
    """PNG -> JPEG -> WebP, and other EXIF on the same pixels, are re-encoded copies that lie as they lay."""
    pixels = photograph(name)
    png = encoded(pixels, "PNG")
    jpeg = encoded(pixels, "JPEG", quality=80)
    webp = encoded(np.asarray(Pillow.open(io.BytesIO(jpeg))), "WEBP", quality=75)
    exif = Pillow.Exif()
    exif[0x0110] = "Camera"
    for b in (jpeg, webp, encoded(pixels, "PNG", exif=exif), encoded(pixels, "BMP"), encoded(pixels, "JPEG")):
        found = both_ways(png, b)
        assert (found.relation, found.orientation) == ("re-encoded", "upright")
        assert found.probability > 0.99
        assert np.allclose(np.eye(3), found.transform)


def test_re_encoded_at_full_size() -> None:
    """A large PNG and a JPEG of it are re-encoded copies, too."""
    pixels = photograph_in_full(SYMMETRIC)
    assert la.compare(encoded(pixels, "PNG"), encoded(pixels, "JPEG", quality=80)).relation == "re-encoded"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_resized(name: str, scale: float) -> None:
    """A copy at another size is a copy, and the transform is that size."""
    pixels = photograph(name)
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    resized = np.asarray(Pillow.fromarray(pixels).resize(size, Pillow.Resampling.LANCZOS))
    a, b = from_array(pixels), from_array(resized)
    found = both_ways(a, b)
    assert found.relation in ("re-encoded", "edited")  # what half the pixels lose can look like an edit
    assert (found.probability > 0.99, found.orientation) == (True, "upright")
    assert corners(b) == [pytest.approx(point) for point in transformed(found, corners(a))]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("edit", ["brightness-", "contrast+", "hue", "grey", "sticker"])
def test_edited(name: str, edit: str) -> None:
    """Other light, other colours, something stuck on it: edited, upright, and surely a copy."""
    found = both_ways(from_array(photograph(name)), from_array(apply(edit, photograph(name))))
    assert (found.relation, found.orientation) == ("edited", "upright")
    assert found.probability > 0.9
    assert np.allclose(np.eye(3), found.transform)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_text_on_it(name: str) -> None:
    """A watermark across the middle leaves a copy."""
    found = both_ways(from_array(photograph(name)), from_array(apply("watermark", photograph(name))))
    assert found.relation in ("re-encoded", "edited")
    assert found.probability > 0.9


ORIENTATIONS = {
    # orientation: (relation, what Pillow does, where it takes the corners tl tr br bl of a: to which corners of b)
    "mirrored": ("mirrored", Pillow.Transpose.FLIP_LEFT_RIGHT, (1, 0, 3, 2)),
    "flipped": ("mirrored", Pillow.Transpose.FLIP_TOP_BOTTOM, (3, 2, 1, 0)),
    "rotated 90": ("rotated", Pillow.Transpose.ROTATE_270, (1, 2, 3, 0)),  # Pillow counts counter-clockwise
    "rotated 180": ("rotated", Pillow.Transpose.ROTATE_180, (2, 3, 0, 1)),
    "rotated 270": ("rotated", Pillow.Transpose.ROTATE_90, (3, 0, 1, 2)),
    "transposed": ("mirrored", Pillow.Transpose.TRANSPOSE, (0, 3, 2, 1)),
    "transversed": ("mirrored", Pillow.Transpose.TRANSVERSE, (2, 1, 0, 3)),
}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_orientations(name: str, orientation: str) -> None:
    """A mirrored or rotated photograph, smaller and as JPEG, has its orientation named; corners land on corners."""
    relation, transpose, order = ORIENTATIONS[orientation]
    pixels = photograph(name)
    small = (
        Pillow.fromarray(pixels).transpose(transpose).resize((260, 200) if orientation == "mirrored" else (200, 260))
    )
    a = from_array(pixels)
    b = la.load(encoded(np.asarray(small), "JPEG", quality=90))
    found = both_ways(a, b)
    assert (relation, orientation) == (found.relation, found.orientation)
    assert found.probability > 0.9
    expected = [corners(b)[corner] for corner in order]
    assert expected == [pytest.approx(point, abs=1e-6) for point in transformed(found, corners(a))]


def test_mirrored_and_edited() -> None:
    """A mirrored copy with other light is still mirrored."""
    for name in set(PHOTOGRAPHS) - {SYMMETRIC}:
        pixels = photograph(name)
        found = both_ways(from_array(pixels), from_array(apply("brightness-", pixels[:, ::-1])))
        assert (found.relation, found.orientation) == ("mirrored", "mirrored")


def test_upright_by_exif(tmp_path: Path) -> None:
    """An image that lies on its side in the file and upright by its EXIF is upright for us, in its true size."""
    pixels = photograph("coffee.png")
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    sideways = save(tmp_path / "s.png", np.ascontiguousarray(np.rot90(pixels)), exif=exif)
    found = both_ways(from_array(pixels), sideways)
    assert (found.relation, found.orientation) == ("re-encoded", "upright")
    assert np.allclose(np.eye(3), found.transform)


def test_unrelated() -> None:
    """No two of the photographs and some drawn images are copies; there is no transform then."""
    images = [*(from_array(photograph(name)) for name in PHOTOGRAPHS), *(from_array(drawn(n)) for n in range(2))]
    for a, b in combinations(images, 2):
        found = la.compare(a, b)
        assert found.relation in ("unrelated", "similar")
        assert found.probability < 0.5
        assert (found.transform, found.orientation, found.box) == (None, "upright", None)


def blank(*colour: int, size: tuple[int, int] = (90, 120)) -> np.ndarray:
    return np.full((*size, 3), colour, np.uint8)


def test_blank_images() -> None:
    """One colour says nothing: identical by its bytes, re-encoded by its pixels, and unrelated otherwise."""
    red = encoded(blank(200, 10, 10), "PNG")
    assert both_ways(red, red).relation == "identical"
    assert both_ways(red, encoded(blank(200, 10, 10), "BMP")).relation == "re-encoded"
    for other in (
        encoded(blank(200, 10, 10), "JPEG"),
        encoded(blank(200, 10, 10, size=(300, 300)), "PNG"),
        encoded(blank(10, 10, 200), "PNG"),
        encoded(np.random.default_rng(0).integers(253, 256, (90, 120, 3)).astype(np.uint8), "PNG"),
        photograph_path("coffee.png"),
    ):
        found = both_ways(red, other)
        assert (found.relation, found.transform) == ("unrelated", None)
        assert found.probability < 0.001
        assert set(found.distances) == set(EVERY)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3), (8, 8)])
def test_odd_sizes(shape: tuple[int, int]) -> None:
    """Images of a pixel, a line or a few pixels are compared with anything without fail, and match only their own."""
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    path = encoded(pixels, "PNG")
    assert both_ways(path, path).relation == "identical"
    assert both_ways(path, photograph_path("coffee.png")).relation == "unrelated"
    assert both_ways(from_array(pixels), from_array(blank(0, 0, 0))).relation == "unrelated"


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (300, 300, 3)).astype(np.uint8)


def page(seed: int) -> np.ndarray:
    """A sheet of paper full of words, each seed with other words in lines of other lengths."""
    rng = np.random.default_rng(seed)
    sheet = Pillow.new("RGB", (620, 877), "white")
    draw = ImageDraw.Draw(sheet)
    for y in range(60, 800, 20):
        words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(2, 9))) for _ in range(9)]
        draw.text((60, y), " ".join(words)[: int(rng.integers(20, 70))], fill="black", font=ImageFont.load_default(14))
    return np.asarray(sheet)


@pytest.mark.parametrize("image", [noise, page])
def test_the_same_noise_or_page(image) -> None:
    """A field of noise and a page of text are recognised in another file."""
    assert both_ways(from_array(image(1)), encoded(image(1), "PNG")).relation == "re-encoded"


@pytest.mark.parametrize("image", [noise, page])
def test_other_noise_or_another_page(image) -> None:
    """Two fields of noise, and two pages of different text, are no copies; two pages may be of one template."""
    found = [la.compare(from_array(image(seed)), from_array(image(seed + 100))) for seed in range(6)]
    assert {one.relation for one in found} <= {"unrelated", "similar", "variant"}


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """The error names the path of the one at fault."""
    good, bad = photograph_path("coffee.png"), tmp_path / "bad.jpg"
    bad.write_text("hello")
    for sources in ((good, bad), (bad, good)):
        with pytest.raises(NotAnImage, match=r"bad\.jpg"):
            la.compare(*sources)
    with pytest.raises(FileMissing, match="none"):
        la.compare(good, tmp_path / "none.jpg")

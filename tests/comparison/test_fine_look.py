"""Of large images a proof has seen what is a speck at the size of a comparison."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

import lookalike as la
from lookalike.comparison import pair
from lookalike.comparison.pair import compare_features, extract_features


def page(total: str) -> Pillow.Image:
    """A scanned page with 1,754 x 2,480 pixels of text, and a sum of money in it."""
    image = Pillow.new("RGB", (1754, 2480), "white")
    draw, font, random = ImageDraw.Draw(image), ImageFont.load_default(28), np.random.default_rng(3)
    words = [
        "invoice",
        "amount",
        "paid",
        "until",
        "letter",
        "street",
        "number",
        "order",
        "summer",
        "parcel",
        "window",
        "garden",
    ]
    for y in range(120, 2300, 48):
        draw.text((140, y), " ".join(random.choice(words, 9)), fill=0, font=font)
    draw.rectangle((1050, 1270, 1650, 1330), fill="white")
    draw.text((1070, 1280), f"Total {total}", fill=0, font=font)
    return image


def encoded(image: Pillow.Image, image_format: str, **options: int) -> bytes:
    memory = io.BytesIO()
    image.save(memory, image_format, **options)
    return memory.getvalue()


FIRST = encoded(page("1234.50"), "PNG", compress_level=1)


@pytest.mark.parametrize(("image_format", "options"), [("PNG", {"compress_level": 1}), ("JPEG", {"quality": 85})])
def test_one_digit_of_a_large_page(image_format: str, options: dict[str, int]) -> None:
    """It is no mere re-encoding, and too unsure a copy to be shown as one."""
    found = la.compare(FIRST, encoded(page("1284.50"), image_format, **options))
    assert found.relation in ("edited", "variant")
    assert found.probability < 0.99


def test_a_large_page_saved_again() -> None:
    """As a JPEG, also at three quarters of its size, it is re-encoded."""
    half = page("1234.50").resize((1316, 1860), Pillow.Resampling.LANCZOS)
    for copy in (encoded(page("1234.50"), "JPEG", quality=70), encoded(half, "JPEG", quality=85)):
        found = la.compare(FIRST, copy)
        assert (found.relation, found.probability > 0.99) == ("re-encoded", True)


def test_a_file_that_changed_meanwhile(tmp_path: Path) -> None:
    """Where the second look finds another file, or none, nothing is proved."""
    path = tmp_path / "page.jpg"
    path.write_bytes(encoded(page("1234.50"), "JPEG", quality=85))
    a, b = extract_features(FIRST), extract_features(path)
    assert compare_features(a, b).relation == "re-encoded"
    path.write_bytes(encoded(page("1284.50"), "JPEG", quality=85))
    assert compare_features(a, b).relation != "re-encoded"
    path.unlink()
    assert compare_features(a, b).relation != "re-encoded"


def test_what_cannot_be_read_again_is_taken_as_it_was_seen() -> None:
    """A file object is read once; what was seen of it stands."""
    copy = io.BytesIO(encoded(page("1234.50"), "JPEG", quality=70))
    assert la.compare(FIRST, copy).relation == "re-encoded"


def test_small_images_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """They were seen as they are."""
    small = encoded(page("1234.50").resize((438, 620), Pillow.Resampling.LANCZOS), "PNG")
    features = extract_features(small), extract_features(encoded(Pillow.open(io.BytesIO(small)), "JPEG", quality=80))
    monkeypatch.setattr("lookalike.comparison.fine_look.as_image", pytest.fail)
    assert pair.compare_features(*features).relation == "re-encoded"

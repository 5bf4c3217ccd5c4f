"""Packs: every image decoded once, squeezed, and found again until a file changes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from lookalike.errors import UserError
from lookalike.training.data import image_cache
from lookalike.training.data.image_cache import NO_LABEL, cache_images
from samples import drawn, folder_of, save


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "image-cache"


def decoding_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(image_cache, "_square", fail)


def test_images_are_squeezed(tmp_path: Path, cache: Path) -> None:
    """Each image becomes a square: area when it shrinks, linear when it grows, in the order of the names."""
    large, small = drawn(1, 90, 70), drawn(2, 20, 24)  # less than twice 40, so that loading shrinks nothing
    save(tmp_path / "p" / "b.png", small)
    save(tmp_path / "p" / "a.png", large)
    packed = cache_images(tmp_path / "p", 40, cache)
    assert packed.paths == ("a.png", "b.png")
    sha256s = [hashlib.sha256((tmp_path / "p" / path).read_bytes()).hexdigest() for path in packed.paths]
    assert [f"{digest:016x}" for digest in packed.digests.tolist()] == [sha256[:16] for sha256 in sha256s]
    assert (packed.pixels.shape, packed.pixels.dtype) == ((2, 40, 40, 3), np.uint8)
    assert np.array_equal(cv2.resize(large, (40, 40), interpolation=cv2.INTER_AREA), packed.pixels[0])
    assert np.array_equal(cv2.resize(small, (40, 40), interpolation=cv2.INTER_LINEAR), packed.pixels[1])


def test_the_first_folder_is_the_label(tmp_path: Path, cache: Path) -> None:
    """Classes are the folders directly below, sorted; an image outside of them has none, as all have unasked."""
    for place in ("dog/x/1.png", "cat/1.png", "dog/2.png", "3.png"):
        save(tmp_path / "p" / place, drawn(1))
    packed = cache_images(tmp_path / "p", 16, cache, labelled=True)
    assert packed.classes == ("cat", "dog")
    assert dict(zip(packed.paths, packed.labels.tolist(), strict=True)) == {
        "3.png": NO_LABEL, "cat/1.png": 0, "dog/2.png": 1, "dog/x/1.png": 1,
    }  # fmt: skip
    plain = cache_images(tmp_path / "p", 16, cache)
    assert (plain.classes, set(plain.labels.tolist())) == ((), {NO_LABEL})


def test_what_cannot_be_read_is_left_out_and_counted(tmp_path: Path, cache: Path) -> None:
    """Damaged files, empty ones and links to nowhere; the others keep their own pixels and labels."""
    root = folder_of(tmp_path / "p", 4)
    (root / "0001.jpg").write_bytes((root / "0001.jpg").read_bytes()[:900])
    (root / "0000a.png").touch()
    (root / "0002a.png").symlink_to(root / "nowhere")
    odd = os.fsdecode(b"caf\xe9.png")
    save(root / "x.png", drawn(9)).rename(root / odd)
    packed = cache_images(root, 16, cache)
    assert packed.paths == ("0000.jpg", "0002.jpg", "0003.jpg", odd)
    assert packed.unreadable == 3
    assert packed.pixels.shape == (4, 16, 16, 3)
    assert np.array_equal(
        cache_images(folder_of(tmp_path / "alone", 1, first=3), 16, cache).pixels[0], packed.pixels[2]
    )


def test_a_pack_is_found_again(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call decodes nothing and answers the same."""
    root = folder_of(tmp_path / "p", 3)
    (root / "bad.jpg").write_text("no image")
    first = cache_images(root, 16, cache)
    decoding_forbidden(monkeypatch)
    again = cache_images(root, 16, cache)
    assert np.array_equal(first.pixels, again.pixels)
    assert (first.paths, first.unreadable) == (again.paths, again.unreadable)
    with pytest.raises(AssertionError, match="decoded again"):
        cache_images(root, 24, cache)


def test_a_changed_folder_is_packed_again(tmp_path: Path, cache: Path) -> None:
    """A file that is replaced, one more and one less are each noticed."""
    root = folder_of(tmp_path / "p", 3)
    before = cache_images(root, 16, cache).pixels.copy()
    save(root / "0001.jpg", drawn(77), quality=92)
    assert not np.array_equal(before[1], cache_images(root, 16, cache).pixels[1])
    folder_of(root, 1, first=3)
    assert len(cache_images(root, 16, cache).pixels) == 4
    (root / "0000.jpg").unlink()
    assert cache_images(root, 16, cache).paths == ("0001.jpg", "0002.jpg", "0003.jpg")


def test_killed_half_way(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed run left behind is not taken for a pack: the next one starts again and is whole."""
    root = folder_of(tmp_path / "p", 5)
    real = image_cache._square

    def killed(file: Path, side: int) -> object:
        if file.name == "0003.jpg":
            raise KeyboardInterrupt
        return real(file, side)

    with monkeypatch.context() as patched:
        patched.setattr(image_cache, "_square", killed)
        with pytest.raises(KeyboardInterrupt):
            cache_images(root, 16, cache)
    assert list(cache.rglob("pixels.npy"))
    packed = cache_images(root, 16, cache)
    assert len(packed.paths) == 5
    assert packed.pixels.reshape(5, -1).any(axis=1).all()


def test_nothing_to_pack(tmp_path: Path, cache: Path) -> None:
    """No folder, no images, and none that can be read: errors that name the folder."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "1.jpg").write_text("no image")
    for name in ("none", "empty", "bad"):
        with pytest.raises(UserError, match=str(tmp_path / name)):
            cache_images(tmp_path / name, 16, cache)


def test_a_cache_without_digests_is_made_anew(tmp_path: Path, cache: Path) -> None:
    """One of an earlier version, which kept none, gets them, with the same pixels."""
    root = folder_of(tmp_path / "p", 3)
    first = cache_images(root, 16, cache)
    next(cache.rglob("digests.npy")).unlink()
    second = cache_images(root, 16, cache)
    assert second.digests.tolist() == first.digests.tolist()
    assert np.array_equal(second.pixels, first.pixels)

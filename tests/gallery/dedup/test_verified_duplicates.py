"""Duplicates that are looked at: what is refuted goes, what cannot be looked at stays, the rest is told."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import lookalike as la
from lookalike.gallery import Gallery
from lookalike.gallery.search import reranking
from lookalike.gallery.search.reranking import GeometricVerifier
from lookalike.imaging.manipulations import apply
from lookalike.types import Comparison, Group, Pair
from samples import drawn, folder_of, photograph, save

NAMES = ("colour", "texture", "structure")


def pairs(groups: list[Group]) -> dict[frozenset[str], Pair]:
    """By the names of the two files."""
    return {frozenset((Path(pair.a).name, Path(pair.b).name)): pair for group in groups for pair in group.pairs}


@pytest.fixture
def family(tmp_path: Path) -> Path:
    """Drawn images, a copy of one of each kind, and two photographs of one motorcycle, taken side by side."""
    folder = folder_of(tmp_path / "photos", 10)
    shutil.copy(folder / "0001.jpg", folder / "same.jpg")
    save(folder / "half.jpg", drawn(2)[::2, ::2], quality=90)
    save(folder / "whole.png", photograph("coffee.png"))
    save(folder / "recoloured.jpg", apply("sepia", photograph("coffee.png")), quality=90)
    for side in ("left", "right"):
        save(folder / f"{side}.jpg", photograph(f"motorcycle_{side}.png"), quality=92)
    return folder


def test_another_photograph_is_no_copy(family: Path, tmp_path: Path) -> None:
    """Two views of one thing pass the hashes; looked at, they are dropped, and all copies stay and are told."""
    with Gallery.create(tmp_path / "g", NAMES) as gallery:
        gallery.add(family)
        plain, loaded = (pairs(gallery.duplicates(precision=0.5, verify=verify)) for verify in (False, True))
    views = frozenset(("left.jpg", "right.jpg"))
    assert views in plain
    assert set(plain) - {views} == set(loaded)
    assert not any(pair.verified for pair in plain.values())
    assert {p.relation: p.verified for p in loaded.values()} == {"identical": False, "re-encoded": True, "edited": True}
    coffee = loaded[frozenset(("whole.png", "recoloured.jpg"))]
    assert "recoloured" in coffee.edits
    result = la.compare(coffee.a, coffee.b)
    assert result.odds is not None
    assert (coffee.relation, coffee.edits, coffee.box) == (result.relation, result.edits, result.box)
    assert coffee.probability == pytest.approx(result.probability, abs=1e-9)  # no library counts as a small one


@pytest.mark.parametrize("gone", ["half.jpg", "0002.jpg"])
def test_a_file_that_is_gone(family: Path, tmp_path: Path, gone: str) -> None:
    """A pair of which either file is gone stays as the hashes tell it."""
    with Gallery.create(tmp_path / "g", NAMES) as gallery:
        gallery.add(family)
        plain = pairs(gallery.duplicates(verify=False))
        (family / gone).unlink()
        pair = frozenset(("0002.jpg", "half.jpg"))
        assert plain[pair] == pairs(gallery.duplicates())[pair]


def result(probability: float) -> Comparison:
    """What looking may say."""
    return Comparison("edited", probability, {}, edits=("blurred",))


@pytest.mark.parametrize(
    ("refuted", "left"), [((), [3, 1]), (("b",), [2, 1]), (("a", "b", "c"), [1]), (("a", "b", "c", "z"), [])]
)
def test_groups_shrink(monkeypatch: pytest.MonkeyPatch, refuted: tuple[str, ...], left: list[int]) -> None:
    """Who is not surely enough a copy leaves the group; a group that has no other member left is gone; order stays."""
    monkeypatch.setattr(GeometricVerifier, "load", lambda _, path: path)
    monkeypatch.setattr(reranking, "compare_features", lambda _a, b, *_: result(0.59 if b in refuted else 0.7))
    groups = [group("keep", "a", "b", "c"), group("other", "z")]
    verifier = GeometricVerifier(None, 0.5)
    found = verifier.groups(groups, 0.6)
    assert left == [len(one.others) for one in found]
    for one in found:
        assert one.others == tuple(pair.b for pair in one.pairs)
        assert {(pair.probability, pair.edits, pair.verified) for pair in one.pairs} == {(0.7, ("blurred",), True)}
        assert not set(refuted) & set(one.others)


def group(keep: str, *others: str) -> Group:
    return Group(keep, others, tuple(Pair(keep, other, 0.1, 0.9, "re-encoded") for other in others))


def test_each_image_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image that is kept is looked at once for all of its copies; of identical files none is."""
    seen: list[str] = []
    monkeypatch.setattr(GeometricVerifier, "load", lambda _, path: seen.append(path) or path)
    monkeypatch.setattr(reranking, "compare_features", lambda *_: result(0.7))
    same = group("same", "same-2")
    same = replace(same, pairs=tuple(replace(pair, relation="identical") for pair in same.pairs))
    groups = [group(f"keep {n}", *(f"other {n} {m}" for m in range(5))) for n in range(4)] + [same]
    done: list[tuple[int, int]] = []
    found = GeometricVerifier(None, 0.5).groups(groups, 0.5, lambda *given: done.append(given))
    assert set(Counter(seen).values()) == {1}
    assert len(seen) == 4 * 6
    assert same == found[-1]
    assert [(number, 21) for number in range(1, 22)] == done


def test_same_answer_with_kept_keypoints(family: Path, tmp_path: Path) -> None:
    """A gallery that keeps keypoints drops and tells the same pairs."""
    found = []
    for keypoints in (False, True):
        with Gallery.create(tmp_path / f"g{keypoints}", NAMES, keypoints=keypoints) as gallery:
            gallery.add(family)
            loaded = pairs(gallery.duplicates(precision=0.5))
            found.append({names: (pair.relation, pair.verified) for names, pair in loaded.items()})
    assert found[0] == found[1]


@pytest.mark.parametrize("edit", ["border", "caption", "pad", "screenshot"])
def test_the_original_is_kept_before_a_copy_with_surroundings(tmp_path: Path, edit: str) -> None:
    """Though that has more pixels; every pair is told around the original then, the twin of the larger one too."""
    folder = tmp_path / "photos"
    save(folder / "original.png", photograph("coffee.png"))
    save(folder / "larger.jpg", apply(edit, photograph("coffee.png")), quality=95)
    shutil.copy(folder / "larger.jpg", folder / "twin.jpg")
    with Gallery.create(tmp_path / "g", ("copy", *NAMES)) as gallery:
        gallery.add(folder)
        plain, loaded = (gallery.duplicates(by="copy", precision=0.5, verify=verify) for verify in (False, True))
    assert [Path(one.keep).name for one in plain] == ["larger.jpg"]
    assert [Path(one.keep).name for one in loaded] == ["original.png"]
    assert sorted(Path(path).name for path in loaded[0].others) == ["larger.jpg", "twin.jpg"]
    result = {(Path(pair.a).name, pair.box_in, pair.verified) for pair in loaded[0].pairs}
    assert result == {("original.png", "b", True)}

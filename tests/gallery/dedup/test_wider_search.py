"""The wider search: what vectors alone are not sure of is found if it verifies, and nothing that was found is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from corpora import Corpora
from lookalike.gallery import Gallery
from lookalike.gallery.dedup.candidate_pairs import Candidates
from lookalike.gallery.dedup.wider_search import wider_groups
from lookalike.imaging.manipulations import apply
from lookalike.types import Group, Pair
from samples import photograph, save


def library(folder: Path) -> None:
    """A photograph with an identical, a mirrored and a cropped copy; another with a small copy; and a third alone."""
    save(folder / "cat.png", photograph("chelsea.png"))
    shutil.copy(folder / "cat.png", folder / "same.png")
    save(folder / "mirrored.jpg", apply("mirror", photograph("chelsea.png")))
    save(folder / "crop.jpg", apply("crop-50", photograph("chelsea.png")))
    save(folder / "coffee.png", photograph("coffee.png"))
    save(folder / "small.jpg", photograph("coffee.png")[::2, ::2])
    save(folder / "rocket.jpg", photograph("rocket.jpg"))


def members(groups: list[Group]) -> set[frozenset[str]]:
    return {frozenset(map(os.path.basename, (group.keep, *group.others))) for group in groups}


def test_crops_and_mirrored_copies_are_found(corpora: Corpora) -> None:
    """By default they are in the group of their original, with its identical copy; by the blend alone they are not."""
    corpus = corpora.indexed(library)
    with Gallery.open(corpus.gallery) as gallery:
        found = gallery.duplicates()
        assert members(found) == {
            frozenset(("cat.png", "same.png", "mirrored.jpg", "crop.jpg")),
            frozenset(("coffee.png", "small.jpg")),
        }
        relations = {os.path.basename(pair.b): pair.relation for group in found for pair in group.pairs}
        assert (relations["mirrored.jpg"], relations["crop.jpg"]) == ("mirrored", "crop")
        assert members(gallery.duplicates(by="blend")) >= {frozenset(("coffee.png", "small.jpg"))}
        assert not any("crop.jpg" in group for group in members(gallery.duplicates(by="blend")))


def test_a_person_s_word_counts(corpora: Corpora, tmp_path: Path) -> None:
    """A pair that was called different is not joined, however sure verification is."""
    corpus = corpora.copied(tmp_path, library)
    with Gallery.open(corpus.gallery) as gallery:
        gallery.add_verdicts([(corpus.photos / "cat.png", corpus.photos / "mirrored.jpg")], "different")
        assert not any({"cat.png", "mirrored.jpg"} <= group for group in members(gallery.duplicates()))


class Builder:
    """Makes groups of letters, of which the first is kept."""

    def anew(self, paths: object) -> Group:
        first, *rest = sorted(paths)
        return Group(first, tuple(rest), tuple(Pair(first, one, 0.0, 0.9, "edited", verified=True) for one in rest))

    def has_different(self, paths: object) -> bool:
        return not paths

    def pair_group(self, numbers: tuple[int, int], kept: dict[str, str]) -> Group:
        return self.anew(kept.get(letter, letter) for letter in map(chr, numbers))


def test_two_groups_are_joined_only_as_a_whole() -> None:
    """Where the kept image is no original of every member, both groups stay as they were found."""
    builder = Builder()
    groups = [builder.anew("AC"), builder.anew("BD")]
    candidates = Candidates(groups, np.array([[ord("A"), ord("B")]]), builder)
    for copies, expected in (("ABCD", {frozenset("ABCD")}), ("ABC", {frozenset("AC"), frozenset("BD")})):

        def verify(some: list[Group], copies: str = copies) -> list[Group]:
            return [builder.anew(path for path in (one.keep, *one.others) if path in copies) for one in some]

        assert members(wider_groups(candidates, groups, verify, lambda group: group)) == expected


def test_new_pairs_are_groups_of_their_own() -> None:
    """A verified pair of images that were in no group is one; one that did not verify is none."""
    candidates = Candidates([], np.array([[ord("A"), ord("B")], [ord("C"), ord("D")]]), Builder())

    def verify(some: list[Group]) -> list[Group]:
        return [one for one in some if one.keep == "A"]

    assert members(wider_groups(candidates, [], verify, lambda group: group)) == {frozenset("AB")}

"""What a search leaves unverified once a place is proved, and that it says so; what it tells at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpora import Corpora
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, compare
from lookalike.descriptors.base import Described
from lookalike.gallery import Gallery
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.search import reranking
from lookalike.gallery.search.options import RERANK_TOP_K
from lookalike.gallery.search.reranking import PLAUSIBLE, GeometricVerifier, comparison_input, ranked
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from lookalike.types import Hit, Image, Relation
from samples import drawn, photographs_among_drawings, reduced, save

NAMES = ("astronaut", "coffee", "chelsea")


@pytest.fixture(scope="module")
def gallery(corpora: Corpora) -> Iterator[Gallery]:
    with Gallery.open(corpora.indexed(photographs_among_drawings, 27).gallery) as opened:
        yield opened


def verifier_of(gallery: Gallery) -> GeometricVerifier:
    return GeometricVerifier.of(gallery._library, Scoring.of(gallery._library.store, gallery._library.cards))


def checked(gallery: Gallery, query: Image, hits: list[Hit], every: bool = False) -> list[Hit]:
    """The hits as a search verifies them, in the order in which they were given."""
    return [one.hit for one in verifier_of(gallery).check(comparison_input(query, {}), hits, every)]


def test_what_no_vectors_speak_for_is_left_once_a_copy_is_proved(gallery: Gallery) -> None:
    """The copy is verified; the others say that they are not, and stay as the vectors have them; asked for, all are."""
    query = from_array(apply("jpeg-50", reduced("coffee")))
    plain = {hit.path: hit for hit in gallery.search(query, 30, rerank=0)}
    copy, *others = gallery.search(query, 30)
    assert (Path(copy.path).stem, copy.relation, copy.verified) == ("coffee", "re-encoded", True)
    left = [hit for hit in others if not hit.verified]
    assert len(left) > RERANK_TOP_K // 2
    assert [plain[hit.path] for hit in left] == left
    assert sum(hit.verified for hit in gallery.search(query, 30, rerank=RERANK_TOP_K)) == RERANK_TOP_K


def test_whoever_may_be_a_copy_as_well_is_verified(gallery: Gallery) -> None:
    """Behind a proved copy a candidate that its vectors speak for is looked at, wherever it stands."""
    query = from_array(apply("jpeg-50", reduced("coffee")))
    hits = gallery.search(query, 20, rerank=0)
    hits[9] = replace(hits[9], probability=PLAUSIBLE)
    assert [hit.verified for hit in checked(gallery, query, hits)] == [place in (0, 9) for place in range(20)]


def test_nothing_is_left_while_no_copy_is_proved(gallery: Gallery) -> None:
    """Of an unrelated image all candidates are verified, and those before the first copy always are."""
    unrelated = from_array(drawn(4711, 320, 240))
    assert sum(hit.verified for hit in gallery.search(unrelated, 30)) == RERANK_TOP_K
    query = from_array(apply("jpeg-50", reduced("coffee")))
    hits = [replace(hit, probability=0.0) for hit in gallery.search(query, 20, rerank=0)]
    last = [*hits[1:5], hits[0], *hits[5:]]
    assert [hit.verified for hit in checked(gallery, query, last)] == [True] * 5 + [False] * 15


def test_a_copy_that_is_a_part_of_the_query_settles_nothing(gallery: Gallery) -> None:
    """Two photographs in one query are both found, though the first is proved."""
    both = np.concatenate([reduced("coffee"), reduced("astronaut")], axis=1)
    found = [hit for hit in gallery.search(from_array(both), 30) if hit.probability > 0.9]
    assert {Path(hit.path).stem for hit in found} == {"coffee", "astronaut"}
    assert {hit.box_in for hit in found} == {"query"}


def test_what_is_left_does_not_hang_on_the_cores(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """One core or eight: the same hits, and the same ones verified."""
    answers = []
    for cores in (1, 8):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)), raising=False)
        query = from_array(apply("crop-80", reduced("chelsea")))
        answers.append(gallery.search(query, 30))
    assert answers[0] == answers[1]


def test_unrelated_images_are_told_at_a_glance(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three photographs the copy alone is compared in full; of the others the same is said, no copy."""
    compared: list[object] = []
    real = reranking.compare_features
    monkeypatch.setattr(reranking, "compare_features", lambda *given: [compared.append(given), real(*given)][1])
    query = from_array(apply("mirror", reduced("coffee")))
    photographs = [hit for hit in gallery.search(query, 30, rerank=0) if Path(hit.path).stem in NAMES]
    found = checked(gallery, query, photographs, every=True)
    assert (len(found), {hit.verified for hit in found}, len(compared)) == (3, {True}, 1)
    assert [hit.probability < 0.5 for hit in found] == [compare(query, hit.path).probability < 0.5 for hit in found]


def test_vectors_come_from_the_gallery(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that is verified is not described again; it is as near as if it were, to half precision."""
    query = from_array(apply("hue", reduced("chelsea")))
    anew: list[Image] = []
    verifier = verifier_of(gallery)
    path = gallery.search(query, 1, rerank=0)[0].path
    fresh = verifier.load(path)
    monkeypatch.setattr(reranking, "describe_all", lambda images, _: anew.extend(images))
    found = verifier.open(path)
    assert fresh is not None
    assert found is not None
    assert anew == []
    kept = found.full()
    for name in COMPARISON_DESCRIPTORS:
        of: list[Described] = [one.described[name] for one in (fresh, kept)]
        assert of[0].vectors.astype(np.float32) == pytest.approx(of[1].vectors.astype(np.float32), rel=1e-3, abs=1e-4)


def test_a_vector_that_is_not_held_is_made(tmp_path: Path) -> None:
    """A gallery that holds `copy` alone verifies all the same."""
    save(tmp_path / "photos" / "coffee.jpg", reduced("coffee"), quality=92)
    with Gallery.create(tmp_path / "g", ["copy"]) as gallery:
        gallery.add(tmp_path / "photos")
        hit = gallery.search(from_array(apply("mirror", reduced("coffee"))), 1)[0]
    assert (hit.relation, hit.verified) == ("mirrored", True)


def test_the_order_of_what_was_checked() -> None:
    """Same bytes, then copies by their odds, then the others as they came."""

    def one(name: str, odds: float | None, relation: Relation = "edited") -> reranking.Checked:
        return reranking.Checked(Hit(name, 0.1, 0.5, relation), odds)

    given = [one("left", None), one("no", -3.0), one("copy", 2.0), one("same", None, "identical"), one("surer", 4.0)]
    assert [hit.path for hit in ranked(given)] == ["same", "surer", "copy", "left", "no"]

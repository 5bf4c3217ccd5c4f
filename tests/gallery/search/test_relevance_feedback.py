"""Relevance feedback against Rocchio's moved query vector, and searches that begin with what the gallery knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lookalike as la
from lookalike.descriptors import get
from lookalike.errors import ImageMissing, UserError
from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import apply
from samples import drawn, folder_of, save


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory):
    """30 drawn images, copies of three, and a blank one."""
    folder = folder_of(tmp_path_factory.mktemp("feedback") / "photos", 30)
    for number in range(3):
        save(folder / f"copy-{number}.png", apply("brightness+", drawn(number)))
    save(folder / "blank.png", np.full((90, 120, 3), 128, np.uint8))
    with Gallery.create(folder.parent / "g.gallery") as opened:
        opened.add(folder)
        yield opened


def path(gallery: Gallery, name: str) -> str:
    return str(gallery.path.parent / "photos" / name)


@pytest.mark.parametrize("exact", [True, False])
def test_the_order_is_that_of_the_moved_query(gallery: Gallery, exact: bool):
    """By cosine distance the hits come in the order of q + 0.75 mean(good) - 0.25 mean(bad), computed from vectors."""
    names = ["0004.jpg", "0007.jpg", "0011.jpg", "0013.jpg"]
    query, good_a, good_b, bad = (path(gallery, name) for name in names)
    hits = gallery.search(query, 40, by="content", good=[good_a, good_b], bad=[bad], exact=exact)
    q, a, b, c = la.describe([query, good_a, good_b, bad], "content")
    moved = q + 0.75 * (a + b) / 2 - 0.25 * c
    scores = {hit.path: float(la.describe([hit.path], "content")[0] @ moved) for hit in hits[1:]}
    assert [hit.path for hit in hits[1:]] == sorted(scores, key=lambda one: -scores[one])
    assert (hits[0].path, hits[0].relation) == (query, "identical")
    assert len(hits) >= 30


@pytest.mark.parametrize("by", ["structure", "blend", "colour"])
def test_pulls_add_up_to_the_distance(gallery: Gallery, by: str):
    """For bits, for the weighted sum and for Euclidean distance: the parts are the query's and each example's."""
    good, bad = path(gallery, "0007.jpg"), path(gallery, "0009.jpg")
    hits = gallery.search(path(gallery, "0001.jpg"), 10, by=by, good=[good], bad=[bad])
    for hit in hits:
        if hit.relation != "identical":
            assert set(hit.feedback_contributions) == {"query", good, bad}
            assert hit.distance == pytest.approx(sum(hit.feedback_contributions.values()), abs=1e-4)


def test_what_is_like_a_good_one_comes_and_like_a_bad_one_goes(gallery: Gallery):
    """The copy of the good example rises to the example itself, the copy of the bad one falls."""
    query = path(gallery, "0020.jpg")
    before = [hit.path for hit in gallery.search(query, 40, by="structure")]
    after = gallery.search(query, 40, by="structure", good=[path(gallery, "0000.jpg")], bad=[path(gallery, "0001.jpg")])
    order = [hit.path for hit in after]
    assert {order[1], order[2]} == {path(gallery, "0000.jpg"), path(gallery, "copy-0.png")}
    for name in ("0001.jpg", "copy-1.png"):
        assert order.index(path(gallery, name)) > before.index(path(gallery, name))
    median_negative_distance = get("structure").card.median_negative_distance
    assert after[1].feedback_contributions[path(gallery, "0000.jpg")] == pytest.approx(
        -0.75 * median_negative_distance, rel=0.1
    )


def test_a_disliked_copy_of_the_query_is_not_first_in_any_case(gallery: Gallery):
    """The very file that is asked for, called bad, is ranked by its distance as any other."""
    query = path(gallery, "0002.jpg")
    (hit,) = [hit for hit in gallery.search(query, 40, by="structure", bad=[query]) if hit.path == query]
    median_negative_distance = get("structure").card.median_negative_distance
    assert hit.feedback_contributions == pytest.approx({"query": 0, query: 0.25 * median_negative_distance})
    assert hit.distance == pytest.approx(0.25 * median_negative_distance)


def test_a_blank_example_says_nothing(gallery: Gallery):
    """A descriptor that sees nothing in an example leaves it out."""
    blank, query = path(gallery, "blank.png"), path(gallery, "0003.jpg")
    with_it = gallery.search(query, 5, by="structure", good=[blank])
    assert [hit.path for hit in gallery.search(query, 5, by="structure")] == [hit.path for hit in with_it]
    assert all(hit.feedback_contributions == {} for hit in with_it)


def test_examples_exclude_what_reorders(gallery: Gallery):
    """Verification and views, and images that are not held, are errors."""
    query, good = path(gallery, "0003.jpg"), path(gallery, "0004.jpg")
    for options in ({"rerank": 5}, {"views": True}, {"good": ["nowhere.jpg"]}):
        with pytest.raises(UserError):
            gallery.search(query, **({"good": [good]} | options))


# --- by what the gallery knows


@pytest.mark.parametrize("by", ["copy", "content", "colour", "texture", "structure", "blend"])
def test_a_row_finds_what_its_file_finds(gallery: Gallery, by: str):
    """The same images, probabilities and distances, but for the rounding of what is stored."""
    row = next(row for row in gallery if row.path == path(gallery, "0008.jpg"))
    expected, found = (gallery.search(query, 12, by=by, rerank=0) for query in (row.path, row))
    result = {hit.path: hit for hit in found}  # two that are equally far, but for the rounding, may change places
    assert {hit.path for hit in expected} == set(result)
    assert [hit.distance for hit in found] == sorted(hit.distance for hit in found)
    for one in expected:
        other = result[one.path]
        assert one.distance == pytest.approx(other.distance, abs=2e-2 if by == "colour" else 2e-3)
        assert (one.relation, one.probability) == (other.relation, pytest.approx(other.probability, abs=1e-2))


def test_a_row_needs_no_file(tmp_path: Path):
    """Its vectors suffice: the file is gone, and what is like it is found."""
    folder = folder_of(tmp_path / "photos", 5)
    save(folder / "again.jpg", drawn(2), quality=50)
    with Gallery.create(tmp_path / "g.gallery") as opened:
        opened.add(folder)
        row = next(row for row in opened if row.path.endswith("0002.jpg"))
        (folder / "0002.jpg").unlink()
        assert opened.search(row, 2, rerank=0)[1].path == str(folder / "again.jpg")
        opened.remove(row.path)
        with pytest.raises(ImageMissing):
            opened.search(row, 2, rerank=0)
        with pytest.raises(ImageMissing):
            opened.row(row.id)


def test_ids_and_rows_belong_together(gallery: Gallery):
    """``ids`` in the order of adding, ``rows_of`` in the order asked for, ``rows_at`` by path."""
    ids = gallery.ids()
    assert ids == [row.id for row in gallery]
    assert gallery.ids("format = 'PNG'") == [row.id for row in gallery if row.format == "PNG"]
    assert [row.id for row in gallery.rows_of([ids[3], 999, ids[1]])] == [ids[3], ids[1]]
    wanted = path(gallery, "0001.jpg")
    assert {name: row.path for name, row in gallery.rows_at([wanted, "nowhere"]).items()} == {wanted: wanted}


def test_a_word_can_be_taken_back(tmp_path: Path):
    """A pair that was called different, and is no more, is grouped again; ``state`` changes with each."""
    folder = folder_of(tmp_path / "photos", 4)
    save(folder / "again.jpg", drawn(2), quality=70)
    pair = (folder / "again.jpg", folder / "0002.jpg")
    with Gallery.create(tmp_path / "g.gallery", descriptors=("colour", "texture", "structure")) as opened:
        opened.add(folder)
        states, groups = [opened.version()], []
        for change in (
            lambda: None,
            lambda: opened.add_verdicts([pair], "different"),
            lambda: opened.remove_verdicts([pair]),
        ):
            change()
            states.append(opened.version())
            groups.append(len(opened.duplicates()))
        assert groups == [1, 0, 1]
        assert len(set(states)) == 3
        assert (opened.remove_verdicts([pair]), opened.verdicts()) == (0, [])


# --- the plan


def test_the_plan_is_the_two_principal_components(gallery: Gallery):
    """Against the singular value decomposition of the centred vectors, up to sign and one scale."""
    plan = gallery.projection("content")
    paths = [row.path for row in gallery.rows_of(plan.ids.tolist())]
    vectors = la.describe(paths, "content").astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    expected = u[:, :2] * s[:2]
    expected /= np.abs(expected).max()
    signs = np.sign((expected * plan.places).sum(axis=0))
    assert np.abs(expected * signs - plan.places).max() < 0.02
    assert plan.explained == pytest.approx((s[:2] ** 2 / (s**2).sum()).tolist(), abs=0.01)


def test_the_plan_of_bits_of_few_and_of_nothing(gallery: Gallery, tmp_path: Path):
    """Packed bits have one as well; blank images are not in it; one image or none is no error."""
    assert len(gallery.projection("structure").ids) == len(gallery) - 1
    with Gallery.create(tmp_path / "g.gallery", descriptors=("colour",)) as opened:
        assert opened.projection().places.shape == (0, 2)
        opened.add(save(tmp_path / "a.png", drawn(1)))
        assert opened.projection().places.tolist() == [[0, 0]]
    with pytest.raises(UserError):
        gallery.projection("regions")

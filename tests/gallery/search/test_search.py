"""Search: the order of a plain loop over distances, filters, regions, blank images, and what changes meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

import lookalike as la
from corpora import Corpora, Corpus
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS
from lookalike.errors import FileMissing, LoadError, NotAnImage, UserError
from lookalike.gallery import Gallery, QueryVectors
from lookalike.gallery.index import faiss_index, index_cache
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.search.vector_search import VectorSource
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from lookalike.types import Box, Hit, Image
from samples import drawn, folder_of, save

NAMES = ("colour", "texture", "structure")
UNIT = {"colour": 226.0, "texture": 0.232, "structure": 128.0}  # what strangers typically have


def library(folder: Path) -> None:
    """40 drawn images, and 12 edits of the first three."""
    folder_of(folder, 40)
    for number in range(3):
        for name in ("jpeg-30", "brightness+", "crop-80", "watermark"):
            save(folder / f"{number}-{name}.png", apply(name, drawn(number), number))


@pytest.fixture(scope="module")
def photos(corpora: Corpora) -> Path:
    return corpora.photos(library)


@pytest.fixture(scope="module")
def gallery(corpora: Corpora) -> Iterator[Gallery]:
    """With keypoints, so that the hits, which are looked at, are so sooner."""
    with Gallery.open(corpora.indexed(library, keypoints=True).gallery) as opened:
        yield opened


@pytest.fixture(scope="module")
def hashes(corpora: Corpora) -> Iterator[Gallery]:
    """The same images without the network, which knows photographs and tells clouds of colour less well apart."""
    with Gallery.open(corpora.indexed(library, descriptors=NAMES).gallery) as opened:
        yield opened


@pytest.fixture
def own(corpora: Corpora, tmp_path: Path) -> Corpus:
    """The same images once more, for a test to change."""
    return corpora.copied(tmp_path, library)


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An edited image of the gallery that is not in it itself."""
    return save(tmp_path_factory.mktemp("query") / "q.png", apply("contrast+", drawn(1)))


def distance(name: str, a: np.ndarray, b: np.ndarray) -> float:
    """The distance of two vectors, number by number."""
    if name == "structure":
        return float(sum(bin(x ^ y).count("1") for x, y in zip(a.tolist(), b.tolist(), strict=True)))
    pairs = list(zip(a.astype(float).tolist(), b.astype(float).tolist(), strict=True))
    if name == "colour":
        return math.sqrt(sum((x - y) ** 2 for x, y in pairs))
    lengths = math.sqrt(sum(x * x for x, _ in pairs) * sum(y * y for _, y in pairs))
    return 1 - sum(x * y for x, y in pairs) / lengths


def looped(query: Path, paths: list[Path], weights: Mapping[str, float]) -> list[tuple[str, float]]:
    """Every path with its weighted distance to the query, nearest first."""
    total = sum(weights.values())
    found = []
    for path in paths:
        parts = {name: distance(name, *la.describe([query, path], name)) for name in weights}
        if len(parts) == 1:
            found.append((str(path), *parts.values()))
        else:
            found.append((str(path), sum(weights[n] / total * part / UNIT[n] for n, part in parts.items())))
    return sorted(found, key=lambda one: (one[1], one[0]))


def paths(hits: list[Hit]) -> list[str]:
    return [hit.path for hit in hits]


@pytest.mark.parametrize(
    ("by", "weights"),
    [
        (None, {"copy": 1}),
        ("blend", DEFAULT_WEIGHTS),
        ("colour", {"colour": 1}),
        ("texture", {"texture": 1}),
        ("structure", {"structure": 1}),
        ("colour=2,texture=1", {"colour": 2, "texture": 1}),
        ({"colour": 2, "texture": 1}, {"colour": 2, "texture": 1}),
        ({"structure": 5, "colour": 0}, {"structure": 1}),
    ],
)
def test_order_is_that_of_a_loop(gallery: Gallery, photos: Path, query: Path, by, weights) -> None:
    """Every measure ranks all images as a loop over plain distances does; the default is `copy`."""
    hits = gallery.search(query, 52, by=by, rerank=0)
    expected = dict(looped(query, sorted(photos.iterdir()), weights))
    assert len(expected) == len(hits) == 52
    assert [expected[hit.path] for hit in hits] == pytest.approx([hit.distance for hit in hits], rel=2e-3, abs=2e-3)
    assert sorted(hit.distance for hit in hits) == [hit.distance for hit in hits]


@pytest.mark.parametrize("by", ["blend", *NAMES, "colour=1,structure=3"])
@pytest.mark.parametrize("k", [1, 7, 1000])
def test_exact_equals_the_default(gallery: Gallery, query: Path, by: str, k: int) -> None:
    """Comparing with every image gives the answer that the fast copies give, ties included."""
    assert gallery.search(query, k, by=by, exact=True) == gallery.search(query, k, by=by)


def test_the_copies_come_first(hashes: Gallery, photos: Path, query: Path) -> None:
    """The original and its edits stand before all strangers, who are told apart by relation and probability."""
    hits = hashes.search(query, 52)
    family = {str(photos / "0001.jpg"), *(str(path) for path in photos.glob("1-*"))}
    assert family == set(paths(hits[:5]))
    assert [hit.relation for hit in hits[5:]] == ["unrelated"] * 47
    original = next(hit for hit in hits if hit.path.endswith("0001.jpg"))
    assert original.relation == "edited"
    assert original.probability > 0.9


@pytest.mark.slow
def test_where_filters(gallery: Gallery, photos: Path, query: Path) -> None:
    """A filter leaves the order as it was and only drops what it excludes; k counts what is left."""
    everything = gallery.search(query, 52)
    for filtered in (
        gallery.search(query, 52, where="format = 'PNG'"),
        gallery.search(query, 5, where="path like '%png'"),
    ):
        assert [p for p in paths(everything) if p.endswith(".png")][: len(filtered)] == paths(filtered)
    assert len(gallery.search(query, 52, where="format = 'PNG'")) == 12
    assert len(gallery.search(query, 5, where="format = 'PNG'")) == 5
    assert gallery.search(query, where="width > 100000") == []
    assert gallery.search(photos / "0007.jpg", where="format = 'PNG'")[0].path != str(photos / "0007.jpg")
    with pytest.raises(UserError):
        gallery.search(query, where="width >")


def test_a_region_finds_its_image(hashes: Gallery, tmp_path: Path) -> None:
    """Asked with a part of a larger image, the image that is just this part is found, and nothing else."""
    page = np.full((400, 500, 3), 250, np.uint8)
    page[100:220, 200:360] = drawn(8)
    path = save(tmp_path / "page.png", page)
    for region in ((200, 100, 160, 120), Box(200, 100, 160, 120), [200.0, 100.0, 160.0, 120.0]):
        first, second = hashes.search(path, 2, region=region)
        assert (Path(first.path).name, first.relation) == ("0008.jpg", "re-encoded")
        assert second.relation == "unrelated"


def test_a_region_is_cut_at_the_edges(gallery: Gallery) -> None:
    """A region that reaches beyond the image means what of it lies inside."""
    image = from_array(drawn(9))
    whole = gallery.search(image, 3)
    assert whole == gallery.search(image, 3, region=(-50, -50, 1000, 1000))
    assert gallery.search(image, 3, region=(0, 0, 80, 60)) == gallery.search(image, 3, region=(-40, -9, 120, 69))


@pytest.mark.parametrize(
    "region",
    [
        (1000, 0, 10, 10),
        (-20, 0, 10, 10),
        (10, 10, 0, 10),
        (10, 10, -5, 10),
        (math.nan, 0, 10, 10),
        (0, 0, math.inf, 10),
        (0, 0, 10),
        ("a", 0, 1, 1),
        5,
    ],
)
def test_a_region_without_a_pixel(gallery: Gallery, query: Path, region) -> None:
    """A region outside, empty, not finite or not four numbers is the user's mistake."""
    with pytest.raises(UserError, match="region"):
        gallery.search(query, region=region)


@pytest.mark.slow
def test_k(gallery: Gallery, query: Path) -> None:
    """k cuts the list, may be far larger than the gallery, and must be 1 or more."""
    everything = gallery.search(query, 52)
    assert everything[:1] == gallery.search(query, 1)
    assert everything == gallery.search(query, 10**12)
    assert everything == gallery.search(query, 10**12, exact=True)
    assert len(gallery.search(query)) == 10
    for k in (0, -1):
        with pytest.raises(UserError, match="k must be 1"):
            gallery.search(query, k)


@pytest.mark.parametrize("by", ["nonsense", "colour=2,nonsense=1", "colour=x", "colour=-1", {"colour": 0}, {"no": 1}])
def test_an_unknown_measure(gallery: Gallery, query: Path, by) -> None:
    """A measure that there is not, or that means nothing, is the user's mistake."""
    with pytest.raises(UserError):
        gallery.search(query, by=by)


def test_a_descriptor_that_is_not_held(gallery: Gallery, query: Path) -> None:
    """The refusal names the descriptors that the gallery does hold."""
    with pytest.raises(UserError, match=r"no pdq; it holds copy, content, colour, texture, structure"):
        gallery.search(query, by="pdq")


def test_a_gallery_of_one_descriptor(photos: Path, query: Path, tmp_path: Path) -> None:
    """Without the three that make the blend, the first descriptor is the default, and still tells copies."""
    with Gallery.create(tmp_path / "g", descriptors=["pdq"]) as gallery:
        gallery.add([photos / "0001.jpg", photos / "0002.jpg"])
        assert gallery.default_by == "pdq"
        first, second = gallery.search(query)
        assert (Path(first.path).name, Path(second.path).name) == ("0001.jpg", "0002.jpg")
        assert first.probability > 0.9 > 0.1 > second.probability
        with pytest.raises(UserError, match="it holds pdq"):
            gallery.search(query, by="blend")


BLANK = {
    "white": np.full((120, 160, 3), 255, np.uint8),
    "grey": np.full((120, 160, 3), 127, np.uint8),
    "red": np.full((90, 90, 3), (200, 10, 10), np.uint8),
    "faint noise": np.random.default_rng(0).integers(250, 253, (120, 160, 3)).astype(np.uint8),
}


@pytest.fixture(scope="module")
def blanks(photos: Path, tmp_path_factory: pytest.TempPathFactory):
    """A gallery that holds blank images beside the others, and their folder."""
    folder = tmp_path_factory.mktemp("blanks")
    for name, pixels in BLANK.items():
        save(folder / f"{name}.png", pixels)
    with Gallery.create(folder / "g") as opened:
        opened.add([photos, folder])
        yield opened, folder


@pytest.mark.parametrize("name", BLANK)
@pytest.mark.parametrize("by", ["blend", *NAMES])
def test_a_blank_query(blanks, name: str, by: str) -> None:
    """A blank image is like nothing but its own bytes, whatever it is asked by."""
    gallery, folder = blanks
    path = folder / f"{name}.png"
    assert [(str(path), "identical", 1.0)] == [(h.path, h.relation, h.probability) for h in gallery.search(path, by=by)]
    brighter = from_array(np.minimum(BLANK[name], 250).astype(np.uint8)[:80])
    assert gallery.search(brighter, by=by) == []


def test_a_blank_library_image_is_never_found(blanks, query: Path) -> None:
    """No other image finds the blank ones, however many answers are wanted."""
    gallery, folder = blanks
    for by in ("blend", *NAMES):
        hits = gallery.search(query, 1000, by=by)
        assert [path for path in paths(hits) if Path(path).parent == folder] == []
        assert len(hits) == 52


@pytest.mark.slow
def test_queries_of_every_kind(gallery: Gallery, photos: Path) -> None:
    """A path as text, a Path, the file's bytes and a loaded Image give the same answer."""
    path = photos / "0004.jpg"
    hits = gallery.search(path)
    assert hits[0].relation == "identical"
    for query in (str(path), path.read_bytes(), la.load(path)):
        assert paths(hits) == paths(gallery.search(query))
        assert gallery.search(query)[0].relation == "identical"
    assert gallery.search(from_array(la.load(path).pixels))[0].relation == "re-encoded"


def test_a_query_that_cannot_be_read(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """A missing file, a text and a truncated image raise what load raises."""
    (tmp_path / "notes.jpg").write_text("hello")
    (tmp_path / "half.jpg").write_bytes((photos / "0000.jpg").read_bytes()[:300])
    for bad, kind in (
        (tmp_path / "none.jpg", FileMissing),
        (tmp_path / "notes.jpg", NotAnImage),
        (tmp_path / "half.jpg", LoadError),
        (b"", LoadError),
    ):
        with pytest.raises(kind):
            gallery.search(bad)


def test_ties_in_the_order_of_arrival(tmp_path: Path, query: Path) -> None:
    """Files at the same distance come in the order in which they were added, at any k, by every way."""
    for number in range(9):
        save(tmp_path / "same" / f"{number}.png", drawn(1), compress_level=number)
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(tmp_path / "same")
        for by in ("structure", "blend", "colour"):
            hits = gallery.search(query, by=by)
            assert [str(tmp_path / "same" / f"{n}.png") for n in range(9)] == paths(hits)
            for k in range(1, 9):
                assert hits[:k] == gallery.search(query, k, by=by) == gallery.search(query, k, by=by, exact=True)


def test_through_a_graph(own: Corpus, query: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an HNSW graph the best ten are nearly those of comparing with all, and a filter still holds."""
    monkeypatch.setattr(index_cache, "HNSW_FROM", 20)
    monkeypatch.setattr(faiss_index, "HNSW_FROM", 20)
    with Gallery.open(own.gallery) as gallery:
        for by in ("colour", "texture", "blend"):
            fast, exact = (paths(gallery.search(query, 10, by=by, exact=way)) for way in (False, True))
            assert len(set(fast) & set(exact)) >= 9
            assert exact[0] == fast[0]
        assert gallery._library.index.get("colour").graph
        monkeypatch.setattr("lookalike.gallery.search.vector_search.EXACT_SEARCH_LIMIT", 0)
        hits = gallery.search(query, 12, by="colour", where="format = 'PNG'")
        assert len(hits) == 12
        assert all(path.endswith(".png") for path in paths(hits))


def test_removed_images_behind_a_graph(own: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was removed is never an answer, though a graph still walks through it, nor after opening again."""
    monkeypatch.setattr(index_cache, "HNSW_FROM", 20)
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 10)
    photos = own.photos
    with Gallery.open(own.gallery) as gallery:
        assert len(gallery.search(photos / "0000.jpg", 52, by="colour")) == 52
        gone = [photos / f"{number:04}.jpg" for number in range(0, 40, 3)]
        for path in gone:
            gallery.remove(path)
            hits = gallery.search(path, 100, by="colour")
            assert str(path) not in paths(hits)
            assert len(gallery) == len(hits)
    with Gallery.open(own.gallery) as gallery:
        for path in gone:
            hits = gallery.search(path, 100, by="colour")
            assert not set(map(str, gone)) & set(paths(hits))
            assert len(hits) == 52 - len(gone)


@pytest.mark.parametrize("by", ["structure", "texture", "blend", "colour=2,texture=1"])
@pytest.mark.parametrize("options", [{}, {"exact": True}, {"where": "format = 'PNG'"}, {"good": "0004", "bad": "0005"}])
def test_many_are_answered_as_one_by_one(hashes: Gallery, by: str, options: dict[str, object]) -> None:
    """Images, rows, vectors and a blank one, in their order; the index is asked once for all of them."""
    row = next(iter(hashes))
    options = {n: [str(Path(row.path).parent / f"{v}.jpg")] if n in ("good", "bad") else v for n, v in options.items()}
    blank = from_array(np.full((64, 64, 3), 255, np.uint8))
    vectors = {name: la.describe([row.path], name)[0] for name in NAMES}
    queries = [from_array(drawn(number)) for number in range(5)] + [blank, row, QueryVectors(vectors)]
    found = hashes.search_many(queries, 7, by=by, **options)
    assert found == [hashes.search(query, 7, by=by, **options) for query in queries]
    assert [len(hits) for hits in found] == [0 if query is blank else 7 for query in queries]


def test_many_share_a_call_of_the_index(hashes: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """300 queries are three calls; the first hits are there before the last are asked for."""
    asked: list[int] = []
    real = FaissIndex.search

    def search(self: FaissIndex, queries: np.ndarray, *given: object) -> object:
        asked.append(len(queries))
        return real(self, queries, *given)

    monkeypatch.setattr(FaissIndex, "search", search)
    seen: list[tuple[int, int]] = []
    hits = hashes.search_many([next(iter(hashes))] * 300, 1, by="structure", progress=lambda *at: seen.append(at))
    assert (len(hits), asked) == (300, [128, 128, 44])
    assert seen == [(number, 300) for number in range(1, 301)]


def test_probability_falls_with_distance(hashes: Gallery, query: Path) -> None:
    """Where one measure is heard alone, the farther away an image is, the less probable a copy."""
    probabilities = [hit.probability for hit in hashes.search(query, 52)]
    assert sorted(probabilities, reverse=True) == probabilities
    assert all(0 <= probability <= 1 for probability in probabilities)


@pytest.mark.slow
def test_probability_falls_with_the_library(tmp_path: Path) -> None:
    """The same pair at the same distance is less surely a copy, the more images it was picked from."""
    folder = folder_of(tmp_path / "photos", 60)
    half = from_array(apply("crop-50", drawn(0)))
    found = []
    with Gallery.create(tmp_path / "g") as gallery:
        for count in (2, 20, 60):
            gallery.add([folder / f"{number:04}.jpg" for number in range(count)])
            found.append([next(h for h in gallery.search(half, 60, rerank=n) if "0000" in h.path) for n in (0, 20)])
    by_vectors, verified = zip(*found, strict=True)
    assert len({hit.distance for hit in by_vectors}) == 1
    assert by_vectors[0].probability > by_vectors[1].probability > by_vectors[2].probability > 0
    assert len({hit.probability for hit in verified}) == 1  # verification takes no library for one of under 1,000


def test_removed_by_another_process_meanwhile(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that another process removes while a search is under way is left out; the rest is answered."""
    with Gallery.create(tmp_path / "g") as gallery, Gallery.open(tmp_path / "g") as other:
        gallery.add([photos / f"{number:04}.jpg" for number in range(6)])
        for moment in ("_candidates", "_nearest"):
            gone = photos / ("0003.jpg" if moment == "_candidates" else "0004.jpg")
            real = getattr(VectorSource, moment)

            def late(self, *given, real=real, gone=gone):
                answer = real(self, *given)
                other.remove(gone)
                return answer

            with monkeypatch.context() as patch:
                patch.setattr(VectorSource, moment, late)
                hits = gallery.search(photos / "0000.jpg")
            assert str(gone) not in paths(hits)
            assert paths(gallery.search(photos / "0000.jpg")) == paths(hits)
        assert len(hits) == 4


def test_an_image_is_not_changed(gallery: Gallery) -> None:
    """Searching leaves the query's pixels as they were."""
    image: Image = from_array(drawn(5))
    before = image.pixels.copy()
    gallery.search(image, region=(3, 3, 50, 50))
    assert np.array_equal(before, image.pixels)

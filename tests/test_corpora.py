"""Corpora of the tests themselves: made once, and a copy is what indexing in its place would have given."""

from __future__ import annotations

from pathlib import Path

from corpora import Corpora
from lookalike.gallery import Gallery
from samples import drawn, folder_of, save


def mixed(folder: Path) -> None:
    """Three drawings, one in a folder of its own, and a file that is no image."""
    folder_of(folder, 2)
    save(folder / "deep" / "2.png", drawn(2))
    (folder / "bad.jpg").write_text("no image")


def test_a_copy_is_as_if_it_had_been_indexed_there(corpora: Corpora, tmp_path: Path) -> None:
    """Rows, failures and folders are those of a gallery that read the copied files, and nothing is read again."""
    copy = corpora.copied(tmp_path, mixed, descriptors=["structure"])
    with Gallery.open(copy.gallery) as copied, Gallery.create(tmp_path / "h", ["structure"]) as fresh:
        fresh.add(copy.photos)
        assert list(copied) == list(fresh)
        assert copied._library.store.failures() == fresh._library.store.failures() != []
        assert copied.info().folders == fresh.info().folders == (str(copy.photos),)
        report = copied.add(copy.photos)
        assert (report.added, report.updated, report.unchanged, len(report.failed)) == (0, 0, 3, 1)
        query = copy.photos / "0001.jpg"
        assert copied.search(query, by="structure") == fresh.search(query, by="structure")


def test_a_corpus_is_made_once(tmp_path: Path) -> None:
    """Whoever asks again, in this worker or another one, gets what is there; other images are another corpus."""
    calls: list[int] = []

    def make(folder: Path, number: int) -> None:
        calls.append(number)
        save(folder / "a.png", drawn(number))

    places = [Corpora(tmp_path).indexed(make, number, descriptors=["structure"]) for number in (1, 1, 2)]
    assert calls == [1, 2]
    assert places[0] == places[1] != places[2]
    with Gallery.open(places[2].gallery) as gallery:
        assert [row.path for row in gallery] == [str(places[2].photos / "a.png")]

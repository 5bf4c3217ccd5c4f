"""Searches by words and labels by names in a gallery of a network that reads texts: one that knows colours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")

from colour_words import NAME, NAMES, SCALE, image_vector, install_colour_words, text_vector, unit
from lookalike.descriptors.neural.text_model import NameVectors
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.index import columns_cache, text_columns
from lookalike.gallery.index.model_words import RIVAL, background_names, is_rival
from lookalike.gallery.storage.vectors import SqliteVectors
from lookalike.logistic import sigmoid
from samples import drawn, save

TINTS = {"red": (190, 60, 60), "green": (60, 190, 60), "blue": (60, 60, 190), "dark": (30, 30, 30)}


def tinted(colour: tuple[int, int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.clip(0.3 * (drawn(1, 64, 64).astype(float) - 128) + colour, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of each colour."""
    folder = tmp_path_factory.mktemp("hues")
    for name, colour in TINTS.items():
        save(folder / f"{name}.png", tinted(colour))
    return folder


@pytest.fixture
def gallery(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gallery]:
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install_colour_words(tmp_path / "models")
    with Gallery.create(tmp_path / "g", [NAME, "structure"]) as opened:
        opened.add(photos)
        yield opened


def found(gallery: Gallery, text: str, **options: Any) -> list[str]:
    return [Path(hit.path).stem for hit in gallery.search_text(text, **options).hits]


def expected(text: str) -> dict[str, float]:
    """Each image's probability by explicit loops."""
    names = unit(np.array([vector for name, vector in NAMES.items() if name != text]))
    answers = {}
    for name, colour in TINTS.items():
        vector = image_vector(tinted(colour))
        rival = sorted((float(vector @ other) for other in names), reverse=True)[RIVAL - 1]
        answers[name] = float(sigmoid(np.array(SCALE * (vector @ text_vector(text) - rival))))
    return answers


@pytest.mark.parametrize("text", ["red", "blue", "dark"])
def test_a_text_finds_what_shows_it(gallery: Gallery, text: str) -> None:
    """The gallery's own network is what is asked, and its probability is that of the formula."""
    result = gallery.search_text(text, k=4, least=0)
    assert Path(result.hits[0].path).stem == text
    assert {Path(hit.path).stem: hit.probability for hit in result.hits} == pytest.approx(expected(text), abs=2e-3)
    assert (result.understood, result.unknown, result.undescribed) == ((text,), (), 0)
    (evidence,) = result.hits[0].evidence
    assert (evidence.word, evidence.kind, evidence.name) == (text, "model", NAME)


def test_nothing_like_that(gallery: Gallery) -> None:
    """A text that means nothing to the network is no image's; how near the nearest came is told."""
    result = gallery.search_text("violin")
    assert result.hits == ()
    assert 0 < result.best < 0.5


def test_few_names_are_kept(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too few of an image's nearest names are rivals of the text, all are looked at: the same probabilities."""
    monkeypatch.setattr(text_columns, "KEPT", RIVAL)
    result = gallery.search_text("red", k=4, least=0)
    assert {Path(hit.path).stem: hit.probability for hit in result.hits} == pytest.approx(expected("red"), abs=2e-3)


def test_vectors_are_read_once(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until something changes; then what is new is found, by whomever it was added, and what is gone is not."""
    first = gallery.search_text("red", k=4, least=0)
    reads: list[int] = []
    store = gallery._library.store
    read = store.vectors_of
    monkeypatch.setattr(store, "vectors_of", lambda *of, **more: reads.append(1) or read(*of, **more))
    assert gallery.search_text("red", k=4, least=0) == first
    assert not reads
    with Gallery.open(gallery.path) as other:
        other.add(save(gallery.path.parent / "crimson.png", tinted((200, 50, 50))))
        other.remove(photos / "red.png")
    assert found(gallery, "red") == ["crimson"]
    assert len(reads) == 1


def test_a_saved_copy_is_as_good(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens the gallery again maps the copy into memory; a damaged one is made anew."""
    monkeypatch.setattr(columns_cache, "MIN_UNSAVED", 0)
    first = gallery.search_text("blue", k=4, least=0)
    (vectors,) = (gallery.path / "index").glob("texts-*.vectors.npy")
    with Gallery.open(gallery.path) as again, monkeypatch.context() as patched:
        patched.setattr(SqliteVectors, "vectors_of", lambda *_, **__: pytest.fail("the store was read"))
        assert again.search_text("blue", k=4, least=0) == first
    vectors.write_bytes(b"no array")
    with Gallery.open(gallery.path) as again:
        assert again.search_text("blue", k=4, least=0) == first


def test_without_where_and_k(gallery: Gallery) -> None:
    """As in any search by words."""
    assert (found(gallery, "red"), found(gallery, "red", without="red")) == (["red"], [])
    assert "red" not in found(gallery, "red", where="path like '%blue%'", least=0)
    assert len(found(gallery, "red", k=2, least=0)) == 2
    assert found(gallery, "", least=0) == []


def test_shows_in_a_filter(gallery: Gallery) -> None:
    """By the same probability."""
    assert {Path(row.path).stem for row in gallery.rows(where="shows('green') > 0.5")} == {"green"}


def test_what_is_not_there(gallery: Gallery) -> None:
    """Another descriptor reads no text, and without `content` neither words nor an example image say anything."""
    with pytest.raises(UserError, match="reads no texts"):
        gallery.search_text("red", by="structure")
    with pytest.raises(UserError, match="holds no 'clip'"):
        gallery.search_text("red", by="clip")
    with pytest.raises(UserError, match="--with content"):
        gallery.search_text("red", by="words")
    assert gallery.text_choices == [NAME]


def test_labels_by_names(gallery: Gallery) -> None:
    """Each image gets those names that it shows, in place of what was said before; they can be forgotten."""
    report = gallery.suggest_labels(names=["red", " blue", "red", "dark", ""])
    labels = {Path(one.path).stem: [label.label for label in one.labels] for one in gallery.labels(source="names")}
    assert labels == {"red": ["red"], "blue": ["blue"], "dark": ["dark"]}
    assert (report.labelled, report.abstained) == (3, 1)
    again = gallery.suggest_labels(names=["green"])
    assert again.source != report.source
    assert {one.labels[0].label for one in gallery.labels(source="names")} == {"green"}
    assert gallery.forget_labels("names") == 1
    with pytest.raises(UserError, match="not 0"):
        gallery.suggest_labels(names=[" "])


def test_names_need_a_network_that_reads_texts(tmp_path: Path) -> None:
    """And it is said how one is had."""
    with Gallery.create(tmp_path / "plain", ["structure"]) as plain, pytest.raises(UserError, match="models import"):
        plain.suggest_labels(names=["red"])


def test_what_is_asked_for_is_no_rival() -> None:
    """A hypernym's classes do not compete with it, other things do; the word itself never does."""
    names = ("dog", "Beagle", "Rottweiler", "street", "tabby cat", "violin", "Zeppelin")
    rivals = is_rival("a dog", NameVectors(names, np.zeros((len(names), 3), np.float32)))
    assert rivals.tolist() == [False, False, False, True, True, True, True]
    assert not is_rival("zeppelin", NameVectors(names, np.zeros((len(names), 3), np.float32)))[-1]
    assert {"dog", "street"} <= set(background_names())

"""lookalike duplicates that acts, and lookalike undo: only what was asked for goes, and everything comes back."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from corpora import Corpora, Corpus
from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import apply
from samples import drawn, photograph, save
from terminal import here


def library(folder: Path) -> None:
    """An image with an identical and a re-encoded copy, and a captioned one; another image alone."""
    save(folder / "old" / "coffee.png", photograph("coffee.png"))
    (folder / "new").mkdir()
    shutil.copy(folder / "old" / "coffee.png", folder / "new" / "same.png")
    save(folder / "new" / "smaller.jpg", photograph("coffee.png")[::2, ::2])
    save(folder / "new" / "grey.jpg", apply("grey", photograph("coffee.png")))
    save(folder / "new" / "other.png", drawn(1))


@pytest.fixture
def corpus(corpora: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return corpora.copied(tmp_path, library)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def names(paths: object) -> list[str]:
    return sorted(os.path.basename(str(path)) for path in paths)


def test_only_what_is_the_same_goes_and_comes_back(corpus: Corpus, tmp_path: Path) -> None:
    """By default identical and re-encoded copies go; the edited one is left, told; undo brings all back."""
    before = contents(corpus.photos)
    ran = here("duplicates", "-g", corpus.gallery, "--move-to", tmp_path / "out", "--yes")
    assert ran.code == 0
    assert contents(tmp_path / "out").keys() == {"new/same.png", "new/smaller.jpg"}
    assert "1 edited (to clear them as well: --also edited)" in ran.err
    assert "lookalike undo" in ran.err
    assert len(here("undo", "--list", "--json").json["actions"]) == 1
    assert here("undo").out.startswith("brought back 2 files")
    assert contents(corpus.photos) == before
    with Gallery.open(corpus.gallery) as gallery:
        assert len(gallery) == 5
    again = here("undo")
    assert (again.code, "nothing to undo" in again.err) == (2, True)
    assert "undone" in here("undo", "--list").out


def test_also(corpus: Corpus, tmp_path: Path) -> None:
    """--also edited clears the edited copy as well, and says how many that adds and how sure they are."""
    ran = here("duplicates", "-g", corpus.gallery, "--delete", "--also", "edited", "--yes", "--json")
    assert names(ran.json["removed"]["done"]) == ["grey.jpg", "same.png", "smaller.jpg"]
    assert "--also adds 1 edited: copies with a probability of at least 99.0 % each" in ran.err
    assert names(contents(tmp_path / "data" / "Trash" / "files")) == ["grey.jpg", "same.png", "smaller.jpg"]


def test_the_question(corpus: Corpus, tmp_path: Path) -> None:
    """What is asked names how many files, how large, and where they go."""
    for options, words in (
        (["--move-to", tmp_path / "out"], f"to {tmp_path / 'out'}?"),
        (["--delete"], "to the system's trash?"),
        (["--hardlink"], "into hard links of the kept ones?"),
    ):
        ran = here("duplicates", "-g", corpus.gallery, *options)
        assert words in ran.err
        assert ("1 file (" if "--hardlink" in options else "2 files (") in ran.err
        assert "B) " in ran.err


def test_protect_and_prefer(corpus: Corpus) -> None:
    """What lies in a preferred folder is kept before a larger image; what lies in a protected one never goes."""
    ran = here("duplicates", "-g", corpus.gallery, "--prefer", corpus.photos / "new", "--json")
    assert names([ran.json["groups"][0]["keep"]]) == ["same.png"]
    ran = here("duplicates", "-g", corpus.gallery, "--protect", corpus.photos / "new", "--delete", "--yes", "--json")
    assert names(ran.json["removed"]["done"]) == ["coffee.png"]
    assert {one["reason"] for one in ran.json["plan"]["left"]} == {"protected"}
    assert names(contents(corpus.photos)) == ["grey.jpg", "other.png", "same.png", "smaller.jpg"]


def test_relation(corpus: Corpus) -> None:
    """--relation leaves only copies of that relation."""
    ran = here("duplicates", "-g", corpus.gallery, "--relation", "identical", "--json")
    assert [names(group["others"]) for group in ran.json["groups"]] == [["same.png"]]
    assert here("duplicates", "-g", corpus.gallery, "--relation", "similar").code == 2


@pytest.mark.parametrize("form", ["lines", "json"])
def test_from_a_list(corpus: Corpus, tmp_path: Path, form: str) -> None:
    """--from clears only what the list names, be it lines, as the report copies them, or what --json printed."""
    chosen = [str(corpus.photos / "new" / "smaller.jpg")]
    document = {"groups": [{"keep": "x", "others": chosen}]}
    (tmp_path / "list").write_text("\n".join(chosen) + "\n" if form == "lines" else json.dumps(document))
    ran = here("duplicates", "-g", corpus.gallery, "--from", tmp_path / "list", "--delete", "--yes", "--json")
    assert names(ran.json["removed"]["done"]) == ["smaller.jpg"]
    assert here("duplicates", "-g", corpus.gallery, "--from", tmp_path / "none", "--delete").code == 2
    (tmp_path / "list").write_text('{"hits": []}')
    assert here("duplicates", "-g", corpus.gallery, "--from", tmp_path / "list", "--delete").code == 2


@pytest.mark.parametrize("as_gallery", [False, True])
def test_against(corpus: Corpus, tmp_path: Path, as_gallery: bool) -> None:
    """Of incoming images it says which are new and which the library has; only incoming ones go; nothing is added."""
    incoming = tmp_path / "incoming"
    save(incoming / "chat.jpg", photograph("coffee.png"), quality=60)
    save(incoming / "fresh.png", drawn(7))
    before = contents(corpus.photos)
    known = corpus.gallery if as_gallery else corpus.photos
    ran = here("duplicates", incoming, "--against", known, "--json", "--delete", "--yes")
    assert (ran.code, names(ran.json["new"])) == (0, ["fresh.png"])
    assert names(ran.json["removed"]["done"]) == ["chat.jpg"]
    assert (contents(corpus.photos), names(contents(incoming))) == (before, ["fresh.png"])
    with Gallery.open(corpus.gallery) as gallery:
        assert len(gallery) == 5
    words = here("duplicates", incoming, "--against", known)
    assert words.out.splitlines()[-1] == "0 groups, 0 copies, 1 new"
    assert here("undo").code == 0
    assert names(contents(incoming)) == ["chat.jpg", "fresh.png"]


def test_undecided(corpus: Corpus) -> None:
    """A verdict is taken back: the pair is found again."""
    pair = corpus.photos / "old" / "coffee.png", corpus.photos / "new" / "grey.jpg"
    found = here("duplicates", "-g", corpus.gallery, "--different", *pair, "--json").json["groups"]
    assert "grey.jpg" not in names(path for group in found for path in group["others"])
    found = here("duplicates", "-g", corpus.gallery, "--undecided", *pair, "--json").json["groups"]
    assert "grey.jpg" in names(path for group in found for path in group["others"])


def test_sidecars_and_metadata(corpus: Corpus, tmp_path: Path) -> None:
    """Sidecars go along and come back; what only the copy says is told, and merged on request, and undone."""
    xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"/></rdf:RDF></x:xmpmeta>'
    (corpus.photos / "new" / "smaller.xmp").write_text(xmp)
    before = contents(corpus.photos)
    options = ("duplicates", "-g", corpus.gallery, "--move-to", tmp_path / "out")
    ran = here(*options)
    assert "smaller.jpg has rating 5" in ran.err
    assert "--merge-metadata keeps it" in ran.err
    ran = here(*options, "--merge-metadata", "--yes", "--json")
    assert names(ran.json["removed"]["sidecars"]) == ["smaller.xmp"]
    assert 'Rating="5"' in (corpus.photos / "old" / "coffee.png.xmp").read_text()
    assert contents(corpus.photos)["old/coffee.png"] == before["old/coffee.png"]
    assert here("undo").code == 0
    assert contents(corpus.photos) == before


def test_a_target_within_the_library(corpus: Corpus) -> None:
    """What was moved to a folder within the library is not found again, and lies as it lay below the library."""
    target = corpus.photos / "dups"
    for expected in (["same.png", "smaller.jpg"], []):
        ran = here("duplicates", corpus.photos, "--move-to", target, "--yes", "--json")
        assert names((ran.json["removed"] or {"done": []})["done"]) == expected
    assert (target / "new" / "same.png").exists()


def test_mistakes(corpus: Corpus, tmp_path: Path) -> None:
    """Options that say nothing together are refused before anything is looked for."""
    for options in (
        ["--also", "edited"],
        ["--merge-metadata"],
        ["--hardlink", "--also", "crop"],
        ["--against", corpus.photos],
        ["--delete", "--from", tmp_path / "none"],
    ):
        assert here("duplicates", "-g", corpus.gallery, *options).code == 2
    assert here("duplicates", corpus.photos, "--undecided", "a", "b").code == 2
    assert here("duplicates", corpus.photos, "--against", tmp_path / "none").code == 2
    assert here("undo", "x", "--list").code == 2


def test_failures_of_the_gallery(corpus: Corpus, tmp_path: Path) -> None:
    """What could not be read when the gallery was made is in the report and in --json."""
    (corpus.photos / "bad.jpg").write_text("no image")
    here("index", corpus.photos, "-g", corpus.gallery)
    ran = here("duplicates", "-g", corpus.gallery, "--json", "--report", tmp_path / "r.html")
    assert (ran.code, names(one["path"] for one in ran.json["failed"])) == (0, ["bad.jpg"])
    page = (tmp_path / "r.html").read_text()
    assert "bad.jpg" in page
    assert "Every file could be read" not in page

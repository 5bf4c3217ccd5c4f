"""Undo: everything comes back byte for byte, nothing is overwritten, and a killed process leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora import Corpora, Corpus
from lookalike.actions.dedupe_actions import Act, RemovalReport, hardlink, move_to, remove_copies, trash, trash_image
from lookalike.actions.journal import actions, journal_folder
from lookalike.actions.organize import organize, plan_moves
from lookalike.actions.removal_plan import plan_removals
from lookalike.actions.undo import find_action, undo
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.types import Label
from samples import drawn, save

ACTS = ("moved", "trashed", "linked")


def library(folder: Path) -> None:
    """Two images with an identical copy each, one of which lies in a folder and has a sidecar."""
    save(folder / "a.png", drawn(1))
    (folder / "sub").mkdir()
    shutil.copy(folder / "a.png", folder / "sub" / "a copy.png")
    (folder / "sub" / "a copy.xmp").write_text("<x/>")
    save(folder / "b.png", drawn(2))
    shutil.copy(folder / "b.png", folder / "c.png")


@pytest.fixture
def corpus(corpora: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return corpora.copied(tmp_path, library)


@pytest.fixture
def gallery(corpus: Corpus) -> Iterator[Gallery]:
    with Gallery.open(corpus.gallery) as opened:
        yield opened


def act_of(kind: str, corpus: Corpus) -> Act:
    return {"moved": move_to(corpus.photos.parent / "out", corpus.photos), "trashed": trash(), "linked": hardlink()}[
        kind
    ]


def cleared(gallery: Gallery, act: Act) -> RemovalReport:
    pairs = [pair for group in gallery.duplicates(verify=False) for pair in group.pairs]
    return remove_copies(gallery, plan_removals(gallery, pairs, act.kind), act)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("kind", ACTS)
def test_everything_comes_back(gallery: Gallery, corpus: Corpus, kind: str) -> None:
    """After undo every file has its place, its bytes and a content of its own; the gallery holds all, with labels."""
    before = contents(corpus.photos)
    labelled = str(corpus.photos / "c.png")
    gallery.put_labels({labelled: [Label("rose", 1.0, "csv")]})
    gallery.add_verdicts([(corpus.photos / "a.png", corpus.photos / "b.png")], "different")
    report = cleared(gallery, act_of(kind, corpus))
    assert (len(report.done), report.failed) == (2, ())
    assert (contents(corpus.photos) == before) == (kind == "linked")
    undone = undo(find_action())
    assert undone.failed == ()
    assert len(undone.restored) == (2 if kind == "linked" else 3)
    assert contents(corpus.photos) == before
    assert {path.stat().st_nlink for path in corpus.photos.rglob("*.png")} == {1}
    assert len(gallery) == 4
    assert [(one.path, one.labels[0].label) for one in gallery.labels()] == [(labelled, "rose")]
    assert [verdict for *_, verdict in gallery.verdicts()] == ["different"]
    trashed = corpus.photos.parent / "data" / "Trash"
    assert contents(trashed) == {}
    with pytest.raises(UserError, match="nothing to undo"):
        find_action()


def test_the_journal_is_written_before_the_act(gallery: Gallery, corpus: Corpus) -> None:
    """When a file is touched, the line on the disk says where it lies, where it goes to, and what it holds."""
    real = act_of("moved", corpus)
    seen = []

    def apply(path: str, keep: str, place: str | None, sha256: str) -> None:
        (journal,) = journal_folder().glob("*.jsonl")
        last = json.loads(journal.read_text().splitlines()[-1])
        seen.append([(file["source"], file["place"], file["sha256"]) for file in last["files"]])
        assert (path, place, sha256) in seen[-1]
        assert last["keep"] == keep
        real.apply(path, keep, place, sha256)

    cleared(gallery, Act("moved", real.place, apply))
    assert sorted(len(files) for files in seen) == [1, 2, 2]


KILLED = """
import os, sys
from lookalike.actions import dedupe_actions
from lookalike.actions.dedupe_actions import move_to, remove_copies, trash
from lookalike.actions.organize import organize, plan_moves
from lookalike.actions.removal_plan import plan_removals
from lookalike.gallery import Gallery
gallery, photos, kind, when = sys.argv[1:]
act = trash() if kind == "trashed" else move_to(os.path.join(os.path.dirname(photos), "out"), photos)
calls = []
def apply(*arguments):
    calls.append(arguments)
    if when == "before" and len(calls) == 2:
        os._exit(9)
    act.apply(*arguments)
    if when == "after" and len(calls) == 2:
        os._exit(9)
with Gallery.open(gallery) as opened:
    pairs = [pair for group in opened.duplicates(verify=False) for pair in group.pairs]
    remove_copies(opened, plan_removals(opened, pairs, act.kind), dedupe_actions.Act(act.kind, act.place, apply))
"""


@pytest.mark.kills
@pytest.mark.parametrize(("kind", "when"), [("moved", "before"), ("trashed", "after")])
def test_a_killed_process(corpus: Corpus, kind: str, when: str) -> None:
    """Killed before or after a file was moved, undo brings back what was, and leaves no empty place behind."""
    before = contents(corpus.photos)
    call = [sys.executable, "-c", KILLED, str(corpus.gallery), str(corpus.photos), kind, when]
    assert subprocess.run(call, check=False).returncode == 9
    assert contents(corpus.photos) != before
    report = undo(find_action())
    assert (report.failed, contents(corpus.photos)) == ((), before)
    assert contents(corpus.photos.parent / "out") == {}
    assert contents(corpus.photos.parent / "data" / "Trash") == {}
    with Gallery.open(corpus.gallery) as gallery:
        assert len(gallery) == 4


def test_a_line_that_was_cut_short(gallery: Gallery, corpus: Corpus) -> None:
    """A last line that a full disk or a kill cut in the middle is passed over; the rest is undone."""
    before = contents(corpus.photos)
    cleared(gallery, act_of("moved", corpus))
    (journal,) = journal_folder().glob("*.jsonl")
    with journal.open("a") as stream:
        stream.write('{"kind": "moved", "keep": "/x", "fi')
    assert undo(find_action()).failed == ()
    assert contents(corpus.photos) == before
    assert find_action(actions()[0].id).undone


def test_nothing_is_overwritten(gallery: Gallery, corpus: Corpus) -> None:
    """Where something else lies at the old place by now, or the file was changed where it went, both stay, told."""
    cleared(gallery, act_of("moved", corpus))
    (corpus.photos / "c.png").write_bytes(b"mine")
    moved = corpus.photos.parent / "out" / "sub" / "a copy.png"
    moved.write_bytes(b"changed")
    report = undo(find_action())
    assert sorted(os.path.basename(path) for path in report.restored) == ["a copy.xmp"]
    reasons = {os.path.basename(failure.path): failure.reason for failure in report.failed}
    assert "something else lies there now" in reasons["c.png"]
    assert "was changed there" in reasons["a copy.png"]
    assert (corpus.photos / "c.png").read_bytes() == b"mine"
    assert moved.read_bytes() == b"changed"


def test_the_last_action_first(gallery: Gallery, corpus: Corpus) -> None:
    """Without a name undo takes the last action that was not undone; with a name that one; unknown names are told."""
    first = trash_image(gallery.path, str(corpus.photos / "c.png"))
    second = trash_image(gallery.path, str(corpus.photos / "b.png"))
    assert [action.id for action in actions()] == [second, first]
    assert undo(find_action()).action == second
    assert undo(find_action()).action == first
    with pytest.raises(UserError, match="no such action"):
        find_action("nonsense")


def test_without_a_journal_nothing_is_done(gallery: Gallery, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the journal cannot be written, no file is touched."""
    before = contents(corpus.photos)
    (corpus.photos.parent / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(corpus.photos.parent / "file"))
    with pytest.raises(UserError, match="no journal can be written"):
        cleared(gallery, act_of("moved", corpus))
    assert contents(corpus.photos) == before


def test_a_full_disk(gallery: Gallery, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a line cannot be brought to the disk, its image stays, told."""
    before = contents(corpus.photos)
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 2:  # the action's own line, and its folder
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr("lookalike.actions.journal.to_disk", full)
    report = cleared(gallery, act_of("moved", corpus))
    assert report.done == ()
    assert {failure.reason for failure in report.failed} == {os.strerror(28)}
    assert contents(corpus.photos) == before
    assert contents(corpus.photos.parent / "out") == {}


def test_organizing_is_undone(gallery: Gallery, corpus: Corpus, tmp_path: Path) -> None:
    """Images that were moved into folders by their labels are back at their place, and keep their labels."""
    before = contents(corpus.photos)
    labelled = str(corpus.photos / "b.png")
    gallery.put_labels({labelled: [Label("rose", 1.0, "csv")]})
    organize(gallery, plan_moves(gallery, tmp_path / "by label", "move"))
    assert (tmp_path / "by label" / "rose" / "b.png").exists()
    assert undo(find_action()).restored == (labelled,)
    assert contents(corpus.photos) == before
    assert [(one.path, one.labels[0].label) for one in gallery.labels()] == [(labelled, "rose")]

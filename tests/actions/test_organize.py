"""One folder per label: what is planned is done, nothing is overwritten, nothing is lost, and a second run goes on."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.actions import organize as room
from lookalike.actions.organize import LONGEST, MovePlan, OrganizeReport, Way, folder_name, organize, plan_moves
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from samples import drawn, save

LABELS = {"a.png": "rose", "b.png": "rose", "c.png": "tulip", "sub/a.png": "rose", "sub/d.png": "a/b"}
WAYS: tuple[Way, ...] = ("copy", "link", "move")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six images, five of them with a label; two have one name."""
    for number, name in enumerate([*LABELS, "loose.png"]):
        save(tmp_path / "photos" / name, drawn(number, 40, 30))
    return tmp_path / "photos"


@pytest.fixture
def gallery(photos: Path) -> Iterator[Gallery]:
    with Gallery.create(photos.parent / "g", ["colour"]) as opened:
        opened.add(photos)
        (photos.parent / "labels.csv").write_text(
            "\n".join(["path,label", *(f"photos/{name},{label}" for name, label in LABELS.items())])
        )
        opened.label_from_csv(photos.parent / "labels.csv")
        yield opened


def tree(folder: Path) -> dict[str, str]:
    """Relative path -> digest of what it leads to."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def done(gallery: Gallery, out: Path, way: Way, **options: str) -> tuple[MovePlan, OrganizeReport]:
    moves = plan_moves(gallery, out, way, **options)
    return moves, organize(gallery, moves)


@pytest.fixture
def expected(photos: Path) -> dict[str, str]:
    """Where each content must come to lie."""
    before = tree(photos)
    return {
        "rose/a.png": before["a.png"],
        "rose/b.png": before["b.png"],
        "tulip/c.png": before["c.png"],
        "rose/a (2).png": before["sub/a.png"],
        f"{folder_name('a/b')}/d.png": before["sub/d.png"],
    }


@pytest.mark.parametrize("way", WAYS)
def test_it_is_done_as_planned(gallery: Gallery, photos: Path, expected: dict[str, str], way: Way) -> None:
    """Every labelled file in the folder of its label, a taken name with a number; the plan touched nothing."""
    out, before = photos.parent / "out", tree(photos)
    moves = plan_moves(gallery, out, way)
    assert not out.exists()
    assert {os.path.relpath(step.to, out) for step in moves.steps} == set(expected)
    assert (moves.counts, moves.there, moves.unlabelled) == ({"rose": 3, "tulip": 1, "a/b": 1}, 0, 1)
    report = organize(gallery, moves)
    assert (report.done, report.failed) == (moves.steps, ())
    assert tree(out) == expected
    assert tree(photos) == ({"loose.png": before["loose.png"]} if way == "move" else before)


@pytest.mark.parametrize("way", WAYS)
def test_again_there_is_nothing_to_do(gallery: Gallery, photos: Path, expected: dict[str, str], way: Way) -> None:
    """A second run finds every content in its place, moved ones through the gallery, and adds no numbered copies."""
    out = photos.parent / "out"
    done(gallery, out, way)
    again, report = done(gallery, out, way)
    assert (again.steps, again.there, again.failed, report.done) == ((), 5, (), ())
    assert tree(out) == expected


def test_links_take_no_room(gallery: Gallery, photos: Path) -> None:
    """A link is the same file; where hard links cannot be made, it leads to it."""
    done(gallery, photos.parent / "out", "link")
    assert (photos.parent / "out" / "tulip" / "c.png").samefile(photos / "c.png")


def test_links_to_another_disk(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Onto another disk a link is symbolic, and a second run knows it."""

    def refused(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    done(gallery, photos.parent / "out", "link")
    link = photos.parent / "out" / "tulip" / "c.png"
    assert (link.is_symlink(), link.samefile(photos / "c.png")) == (True, True)
    assert plan_moves(gallery, photos.parent / "out", "link").there == 5


def test_the_gallery_learns_of_moves(gallery: Gallery, photos: Path) -> None:
    """Moved images keep ids, vectors and labels under their new paths; indexing finds nothing new or gone."""
    before = {row.sha256: row.id for row in gallery}
    _, report = done(gallery, photos.parent / "out", "move")
    assert {row.sha256: row.id for row in gallery} == before
    assert {row.path for row in gallery} == {step.to for step in report.done} | {str(photos / "loose.png")}
    assert len(gallery.labels()) == 5
    added = gallery.add([photos, photos.parent / "out"])
    assert (added.unchanged, added.added, added.moved) == (6, 0, 0)
    assert gallery.refresh() == []


def test_a_move_that_the_gallery_missed(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the file and the gallery, the next indexing recognises the moved file, and it keeps its label."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gallery, "relocate", killed)
    with pytest.raises(KeyboardInterrupt):
        done(gallery, photos.parent / "out", "move")
    assert gallery.add([photos, photos.parent / "out"]).moved == 1
    assert len(gallery.labels()) == 5


def test_labels_that_change(gallery: Gallery, photos: Path) -> None:
    """A moved image with another label moves on; one that is gone from the gallery's old place frees its name."""
    out = photos.parent / "out"
    done(gallery, out, "move")
    (photos.parent / "more.csv").write_text("path,label\nout/rose/b.png,tulip\nloose.png,rose")
    gallery.label_from_csv(photos.parent / "more.csv")
    moves, _ = done(gallery, out, "move")
    assert {step.label: os.path.relpath(step.to, out) for step in moves.steps} == {
        "tulip": "tulip/b.png",
        "rose": "rose/loose.png",
    }


def test_nothing_is_overwritten(gallery: Gallery, photos: Path, expected: dict[str, str]) -> None:
    """Other files of these names, links to nowhere and folders stay as they are; ours get a number."""
    out = photos.parent / "out"
    save(out / "rose" / "a.png", drawn(50, 40, 30))
    (out / "rose" / "b.png").symlink_to("nowhere")
    (out / "tulip" / "c.png").mkdir(parents=True)
    before = (out / "rose" / "a.png").read_bytes()
    done(gallery, out, "move")
    assert (out / "rose" / "a.png").read_bytes() == before
    assert os.readlink(out / "rose" / "b.png") == "nowhere"
    found = tree(out)
    assert found["rose/b (2).png"] == expected["rose/b.png"]
    assert found["tulip/c (2).png"] == expected["tulip/c.png"]
    assert {found["rose/a (2).png"], found["rose/a (3).png"]} == {expected["rose/a.png"], expected["rose/a (2).png"]}


@pytest.mark.parametrize("way", WAYS)
def test_somebody_takes_the_name_meanwhile(gallery: Gallery, photos: Path, expected: dict[str, str], way: Way) -> None:
    """A file that appears between the plan and its doing is not touched: the report names the place that was found."""
    out = photos.parent / "out"
    moves = plan_moves(gallery, out, way)
    save(out / "tulip" / "c.png", drawn(60, 40, 30))
    theirs = tree(out)["tulip/c.png"]
    report = organize(gallery, moves)
    assert tree(out) == {**expected, "tulip/c.png": theirs, "tulip/c (2).png": expected["tulip/c.png"]}
    assert str(out / "tulip" / "c (2).png") in [step.to for step in report.done]


def test_identical_files(gallery: Gallery, photos: Path) -> None:
    """Of two files of one content and label one is enough: the other stays."""
    shutil.copy(photos / "c.png", photos / "sub" / "c.png")
    gallery.add(photos)
    (photos.parent / "more.csv").write_text("path,label\nphotos/sub/c.png,tulip")
    gallery.label_from_csv(photos.parent / "more.csv")
    moves, _ = done(gallery, photos.parent / "out", "move", where="label = 'tulip'")
    assert (len(moves.steps), moves.there) == (1, 1)
    assert sorted(tree(photos.parent / "out")) == ["tulip/c.png"]
    assert (photos / "sub" / "c.png").exists()


def test_without_a_label(gallery: Gallery, photos: Path) -> None:
    """Images without one stay, or go to the folder that is named for them; a filter leaves others alone."""
    moves = plan_moves(gallery, photos.parent / "out", "copy", unlabelled="none yet")
    assert moves.counts["none yet"] == 1
    assert moves.unlabelled == 0
    chosen = plan_moves(gallery, photos.parent / "out", "copy", where="label = 'rose'")
    assert (chosen.counts, chosen.unlabelled) == ({"rose": 3}, 0)


def test_files_that_cannot_be_used(gallery: Gallery, photos: Path) -> None:
    """Gone and changed files are listed by the plan, one that goes later by the doing; the others are moved."""
    (photos / "a.png").unlink()
    save(photos / "b.png", drawn(70, 40, 30))
    os.utime(photos / "c.png")  # touched, not changed
    moves = plan_moves(gallery, photos.parent / "out", "move")
    assert {os.path.basename(one.path): one.reason for one in moves.failed} == {
        "a.png": "vanished: it was indexed, and then gone",
        "b.png": "changed since it was indexed; index its folder again",
    }
    (photos / "sub" / "d.png").unlink()
    report = organize(gallery, moves)
    assert [os.path.basename(one.path) for one in report.failed] == ["d.png"]
    assert sorted(os.path.basename(step.to) for step in report.done) == ["a.png", "c.png"]
    assert [name for name in tree(photos.parent / "out") if "d.png" in name or "draft" in name] == []


@pytest.fixture
def other_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renaming from photos to out fails, as it does between file systems."""
    real = os.replace

    def replace(a: str, b: str) -> None:
        if os.path.dirname(a) != os.path.dirname(b):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(a, b)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.usefixtures("other_disk")
def test_a_move_to_another_disk(gallery: Gallery, photos: Path, expected: dict[str, str]) -> None:
    """Copied, verified, then deleted; its time stays, and the gallery knows."""
    os.utime(photos / "c.png", (1_000_000_000, 1_000_000_000))
    _, report = done(gallery, photos.parent / "out", "move")
    assert (len(report.done), report.failed) == (5, ())
    assert tree(photos.parent / "out") == expected
    assert sorted(tree(photos)) == ["loose.png"]
    assert (photos.parent / "out" / "tulip" / "c.png").stat().st_mtime == 1_000_000_000
    assert gallery.add(photos.parent / "out").unchanged == 5


@pytest.mark.usefixtures("other_disk")
@pytest.mark.parametrize("way", ["copy", "move"])
def test_what_arrives_is_read_again(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    """A copy that arrives as something else is thrown away and told; the original stays."""
    real = shutil.copy2

    def broken(a: str, b: str) -> None:
        real(a, b)
        if a.endswith("c.png"):
            Path(b).write_bytes(b"half")

    monkeypatch.setattr(shutil, "copy2", broken)
    _, report = done(gallery, photos.parent / "out", way)
    assert [(os.path.basename(f.path), "changed while" in f.reason) for f in report.failed] == [("c.png", True)]
    assert (photos / "c.png").exists()
    assert not (photos.parent / "out" / "tulip" / "c.png").exists()
    assert [name for name in tree(photos.parent / "out") if "draft" in name] == []


@pytest.mark.parametrize("way", ["copy", "link", "move"])
def test_a_full_disk(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    """No room for one file: it is listed and stays, half of it is nowhere, the others go on."""
    real = room._WAYS[way]

    def full(path: str, place: str, sha256: str) -> None:
        if path.endswith("b.png"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, place, sha256)

    monkeypatch.setattr(room, "_WAYS", {way: full})
    before = tree(photos)["b.png"]
    _, report = done(gallery, photos.parent / "out", way)
    assert [(os.path.basename(f.path), f.reason) for f in report.failed] == [("b.png", "no space left on device")]
    assert len(report.done) == 4
    assert tree(photos)["b.png"] == before
    assert not (photos.parent / "out" / "rose" / "b.png").exists()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after", [False, True])
def test_interrupted(
    gallery: Gallery, photos: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch, way: Way, after: bool
) -> None:
    """Stopped just before or just after a file took its place, no content is lost; the next run ends what was begun."""
    real, calls, before = room._WAYS[way], [], set(tree(photos).values())

    def stopping(path: str, place: str, sha256: str) -> None:
        calls.append(path)
        if len(calls) == 3 and not after:
            raise KeyboardInterrupt
        real(path, place, sha256)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(room, "_WAYS", {way: stopping})
    out = photos.parent / "out"
    with pytest.raises(KeyboardInterrupt):
        done(gallery, out, way)
    assert set(tree(photos).values()) | set(tree(out).values()) == before
    monkeypatch.undo()
    gallery.add([photos, out]) if way == "move" else None
    assert done(gallery, out, way)[1].failed == ()
    assert tree(out) == expected


def test_symbolic_links_move_as_links(gallery: Gallery, photos: Path) -> None:
    """A link in the library becomes a link elsewhere to the same file, whichever way it was written."""
    save(photos.parent / "far" / "x.png", drawn(80, 40, 30))
    (photos / "link.png").symlink_to("../far/x.png")
    gallery.add(photos)
    (photos.parent / "more.csv").write_text("path,label\nlink.png,fern")
    gallery.label_from_csv(photos.parent / "more.csv")
    done(gallery, photos.parent / "out", "move", where="label = 'fern'")
    moved = photos.parent / "out" / "fern" / "link.png"
    assert (moved.is_symlink(), moved.samefile(photos.parent / "far" / "x.png")) == (True, True)
    assert not os.path.lexists(photos / "link.png")


def test_places_that_will_not_do(gallery: Gallery, photos: Path) -> None:
    """A file, or the gallery's own folder, is no place for images."""
    for place, why in ((photos / "a.png", "not a folder"), (gallery.path, "own folder"), (gallery.path / "x", "own")):
        with pytest.raises(UserError, match=why):
            plan_moves(gallery, place, "copy")


@pytest.mark.parametrize(
    ("label", "begins"),
    [
        ("rose", "rose"),
        ("golden retriever, 2 years", "golden retriever, 2 years"),
        ("été 🌷", "été 🌷"),
        ("a/b", "a_b~"),
        ("a\\b:c", "a_b_c~"),
        ("..", "_~"),
        (".hidden", "_hidden~"),
        ("ends. ", "ends_~"),
        ("CON", "CON_~"),
        ("nul.txt", "nul.txt_~"),
        ("a\nb\x00", "a_b_~"),
        ("x" * 300, "x" * LONGEST + "~"),
    ],
)
def test_names_of_folders(label: str, begins: str) -> None:
    """A good label is its folder's name; a bad one is made safe and marked."""
    name = folder_name(label)
    assert name.startswith(begins)
    assert (name == label) == (begins == label)


@given(st.text(min_size=1, max_size=200).filter(lambda text: max(text) < "\ud800" or max(text) > "\udfff"))
def test_any_label_is_a_folder(label: str) -> None:
    """Whatever a label is, its folder is one plain name below the target, not hidden, short enough, and its own."""
    name = folder_name(label)
    assert os.path.basename(name) == name
    assert name not in (".", "..", "")
    assert not name.startswith(".")
    assert len(name.encode()) <= LONGEST + 5
    assert folder_name(label) == name
    assert folder_name(label + "/") != name

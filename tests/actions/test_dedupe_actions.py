"""Clearing away: nothing is lost or overwritten, what changed is left alone, every copy is accounted for."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from corpora import Corpora, Corpus
from lookalike.actions import dedupe_actions
from lookalike.actions.dedupe_actions import Act, RemovalReport, hardlink, move_to
from lookalike.actions.removal_plan import plan_removals
from lookalike.gallery import Gallery
from lookalike.types import Failure, Group, Pair
from samples import drawn, photograph, save


def library(folder: Path) -> None:
    """Three copies of one image, two of them byte-identical, and another image with one identical copy."""
    save(folder / "a.png", photograph("coffee.png"))
    (folder / "sub").mkdir()
    shutil.copy(folder / "a.png", folder / "sub" / "a.png")
    save(folder / "a.jpg", photograph("coffee.png")[::2, ::2])
    save(folder / "b.png", drawn(1))
    shutil.copy(folder / "b.png", folder / "c.png")


@pytest.fixture
def corpus(corpora: Corpora, tmp_path: Path) -> Corpus:
    return corpora.copied(tmp_path, library)


@pytest.fixture
def photos(corpus: Corpus) -> Path:
    return corpus.photos


@pytest.fixture
def gallery(corpus: Corpus) -> Iterator[Gallery]:
    with Gallery.open(corpus.gallery) as opened:
        yield opened


def remove_copies(gallery: Gallery, groups: list[Group], act: Act) -> RemovalReport:
    """Every identical and re-encoded copy of these groups removed; what the plan leaves is among the failures."""
    plan = plan_removals(gallery, [pair for group in groups for pair in group.pairs], act.kind)
    report = dedupe_actions.remove_copies(gallery, plan, act)
    return replace(report, failed=(*report.failed, *(Failure(one.path, one.reason) for one in plan.left)))


def pair_group(keep: Path, copy: Path) -> Group:
    """One image and its identical copy."""
    return Group(str(keep), (str(copy),), (Pair(str(keep), str(copy), 0.0, 1.0, "identical"),))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder: its place and its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def names(paths) -> list[str]:
    return sorted("/".join(Path(path).parts[-2:]) for path in paths)


def test_moved_copies_keep_their_place(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Copies lie below the folder at their full old path, with their bytes; keepers stay; the gallery forgets them."""
    before = contents(photos)
    size = sum(len(before[name]) for name in ("a.jpg", "c.png", "sub/a.png"))
    report = remove_copies(gallery, gallery.duplicates(), move_to(tmp_path / "out", "/"))
    assert names(report.done) == ["photos/a.jpg", "photos/c.png", "sub/a.png"]
    assert (report.bytes, report.failed) == (size, ())
    below = tmp_path / "out" / photos.relative_to("/")
    assert contents(photos) | contents(below) == before
    assert sorted(contents(photos)) == ["a.png", "b.png"]
    assert names(row.path for row in gallery) == ["photos/a.png", "photos/b.png"]
    assert gallery.duplicates() == []


def test_moving_never_overwrites(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """What lies at the new place already stays as it is; the copy gets a number."""
    below = tmp_path / "out" / photos.relative_to("/")
    below.mkdir(parents=True)
    (below / "c.png").write_bytes(b"mine")
    (below / "c (2).png").symlink_to("nowhere")
    before = (photos / "c.png").read_bytes()
    remove_copies(gallery, gallery.duplicates(), move_to(tmp_path / "out", "/"))
    assert (below / "c.png").read_bytes() == b"mine"
    assert os.readlink(below / "c (2).png") == "nowhere"
    assert (below / "c (3).png").read_bytes() == before


def test_hard_links(gallery: Gallery, photos: Path) -> None:
    """Byte-identical copies share the keeper's inode; others are left and told; no file changes its bytes."""
    before = contents(photos)
    report = remove_copies(gallery, gallery.duplicates(), hardlink())
    assert contents(photos) == before
    assert names(report.done) == ["photos/c.png", "sub/a.png"]
    assert report.bytes == len(before["c.png"]) + len(before["sub/a.png"])
    assert [(names([f.path])[0], f.reason) for f in report.failed] == [("photos/a.jpg", "not byte-identical")]
    for kept, copy in (("a.png", "sub/a.png"), ("b.png", "c.png")):
        assert (photos / kept).stat().st_ino == (photos / copy).stat().st_ino
    assert (photos / "a.jpg").stat().st_nlink == 1
    assert len(gallery) == 5
    assert len(list(photos.rglob("*"))) == 6  # five files, one folder, no draft


def test_linked_already(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """A copy that is the very file that is kept is left alone by every act: moving it would win nothing."""
    pairs = [pair for group in gallery.duplicates() for pair in group.pairs if pair.b.endswith("c.png")]
    before = [plan_removals(gallery, pairs, act.kind) for act in (hardlink(), move_to(tmp_path / "out", "/"))]
    remove_copies(gallery, gallery.duplicates(), hardlink())
    for act, plan in zip((hardlink(), move_to(tmp_path / "out", "/")), before, strict=True):
        report = dedupe_actions.remove_copies(gallery, plan, act)
        assert report.done == ()
        assert "the very file" in report.failed[0].reason
        (left,) = plan_removals(gallery, pairs, act.kind).left
        assert "the same file" in left.reason
    assert (photos / "c.png").exists()


def test_a_kept_symbolic_link(tmp_path: Path) -> None:
    """If the image to keep is a relative link, a hard link to it still leads to the content."""
    real = save(tmp_path / "real" / "x.png", drawn(1))
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    (tmp_path / "photos" / "link.png").symlink_to("../real/x.png")
    copy = shutil.copy(real, tmp_path / "photos" / "sub" / "copy.png")
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(tmp_path / "photos")
        group = pair_group(tmp_path / "photos" / "link.png", copy)
        assert remove_copies(gallery, [group], hardlink()).failed == ()
    assert copy.read_bytes() == real.read_bytes()
    assert not copy.is_symlink()
    assert copy.stat().st_ino == real.stat().st_ino


TRASH = """
import sys
from lookalike.actions.dedupe_actions import remove_copies, trash
from lookalike.actions.removal_plan import plan_removals
from lookalike.gallery import Gallery
with Gallery.open(sys.argv[1]) as gallery:
    pairs = [pair for group in gallery.duplicates() for pair in group.pairs]
    report = remove_copies(gallery, plan_removals(gallery, pairs, "trashed"), trash())
    print(len(report.done), len(report.failed), len(gallery))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the trash of the freedesktop.org specification")
def test_the_trash(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Copies arrive in the user's trash with their bytes and with the place to bring them back to."""
    before = contents(photos)
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    done = subprocess.run(
        [sys.executable, "-c", TRASH, str(gallery.path)], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ["3", "0", "2"]
    trash = home / "data" / "Trash"
    left = {before[name] for name in ("a.jpg", "c.png", "sub/a.png")}
    assert {path.read_bytes() for path in (trash / "files").iterdir()} == left
    places = "\n".join(path.read_text() for path in (trash / "info").iterdir())
    assert all(str(photos / name) in places for name in ("a.jpg", "c.png", "sub/a.png"))
    assert sorted(contents(photos)) == ["a.png", "b.png"]


def test_what_changed_is_left_alone(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """A copy written to since it was indexed stays; the others are cleared."""
    groups = gallery.duplicates()
    save(photos / "c.png", drawn(99))
    report = remove_copies(gallery, groups, move_to(tmp_path / "out", "/"))
    assert [(str(photos / "c.png"), "it changed since it was indexed")] == [(f.path, f.reason) for f in report.failed]
    assert (photos / "c.png").exists()
    assert len(report.done) == 2


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_without_its_keeper_a_copy_is_left_alone(gallery: Gallery, photos: Path, tmp_path: Path, what: str) -> None:
    """If the image to keep is gone or another one now, no copy of it is touched."""
    groups = gallery.duplicates()
    (photos / "a.png").unlink()
    if what == "changed":
        save(photos / "a.png", drawn(99))
    for act in (move_to(tmp_path / "out", "/"), hardlink()):
        report = remove_copies(gallery, [g for g in groups if g.keep == str(photos / "a.png")], act)
        assert report.done == ()
        assert names(f.path for f in report.failed) == ["photos/a.jpg", "sub/a.png"]
        reasons = [failure.reason for failure in report.failed if failure.reason != "not byte-identical"]
        assert len(reasons) == (1 if act.kind == "linked" else 2)
        assert all("the image to keep" in reason for reason in reasons)
    assert {"a.jpg", "sub/a.png"} <= set(contents(photos))


def test_a_copy_that_is_gone(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """A copy that somebody else took away is told, and the rest goes on."""
    groups = gallery.duplicates()
    (photos / "c.png").unlink()
    report = remove_copies(gallery, groups, move_to(tmp_path / "out", "/"))
    assert [str(photos / "c.png")] == [failure.path for failure in report.failed]
    assert "no such file" in report.failed[0].reason.lower()
    assert len(report.done) == 2


def test_an_image_the_gallery_does_not_hold(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """A group that does not come from this gallery is not acted on."""
    negative = save(tmp_path / "x.png", drawn(1))
    report = remove_copies(gallery, [pair_group(photos / "b.png", negative)], move_to(tmp_path / "out", "/"))
    assert report.done == ()
    assert "not in this gallery" in report.failed[0].reason
    assert negative.exists()


def test_names_of_every_kind(tmp_path: Path) -> None:
    """Newlines, emoji, quotes and bytes that are no UTF-8 keep their exact names when moved."""
    odd = ["line\nbreak.png", "🐈.png", os.fsdecode(b"caf\xe9.png"), "%_'\".png", "no suffix"]
    folder = tmp_path / "photos"
    save(folder / "0.png", drawn(1))
    for name in odd:
        shutil.copy(folder / "0.png", folder / name)
        os.utime(folder / name, ns=(2 * 10**18, 2 * 10**18))
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(folder)
        report = remove_copies(gallery, gallery.duplicates(), move_to(tmp_path / "out", "/"))
        assert (len(report.done), report.failed, len(gallery)) == (5, (), 1)
    moved = tmp_path / "out" / folder.relative_to("/")
    assert sorted(os.listdir(os.fsencode(moved))) == sorted(map(os.fsencode, odd))


def test_to_another_device(gallery: Gallery, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a rename is not possible the file is copied whole; where a link is not, the copy stays, told."""
    before = contents(photos)

    def other_device(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", other_device)
    report = remove_copies(gallery, gallery.duplicates(), hardlink())
    assert report.done == ()
    assert sorted(failure.reason for failure in report.failed)[:2] == [os.strerror(errno.EXDEV)] * 2
    assert contents(photos) == before
    real = os.replace

    def within_a_folder(source: str, place: str) -> None:
        if os.path.dirname(source) != os.path.dirname(place):
            other_device()
        real(source, place)

    monkeypatch.setattr(os, "replace", within_a_folder)
    assert len(remove_copies(gallery, gallery.duplicates(), move_to(tmp_path / "out", "/")).done) == 3
    assert contents(photos) | contents(tmp_path / "out" / photos.relative_to("/")) == before


def test_a_refused_replacement_leaves_no_draft(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the link cannot take the copy's place, copy and folder are as they were."""
    before = contents(photos)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refused)
        report = remove_copies(gallery, gallery.duplicates(), hardlink())
    assert len(report.failed) == 3
    assert contents(photos) == before


def test_an_error_in_the_middle(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """The system's refusal of one copy is told in its words, and the others are cleared."""
    real = move_to(tmp_path / "out", "/")

    def apply(copy: str, *more: str) -> None:
        if copy.endswith("a.jpg"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real.apply(copy, *more)

    report = remove_copies(gallery, gallery.duplicates(), replace(real, apply=apply))
    assert [(str(photos / "a.jpg"), os.strerror(errno.ENOSPC))] == [(f.path, f.reason) for f in report.failed]
    assert len(report.done) == 2
    assert len(gallery) == 3


def test_interrupted(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Stopped in the middle, the gallery has forgotten what was moved until then, and nothing else."""
    real, calls = move_to(tmp_path / "out", "/"), []

    def apply(copy: str, *more: str) -> None:
        calls.append(copy)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real.apply(copy, *more)

    with pytest.raises(KeyboardInterrupt):
        remove_copies(gallery, gallery.duplicates(), replace(real, apply=apply))
    assert sorted(row.path for row in gallery) == sorted(str(path) for path in photos.rglob("*.*g"))
    assert len(gallery) == 4


def test_nothing_to_clear(gallery: Gallery, tmp_path: Path) -> None:
    """No groups, no report, no folder."""
    report = remove_copies(gallery, [], move_to(tmp_path / "out", "/"))
    assert (report.done, report.bytes, report.failed) == ((), 0, ())
    assert not (tmp_path / "out").exists()

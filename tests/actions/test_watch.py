"""lookalike watch: what is new, changed and gone is known soon after, through the system's own notices."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lookalike.actions.watch import watch
from lookalike.errors import MissingDependency, UserError
from lookalike.gallery import Gallery
from samples import drawn, save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with one image, and a gallery within it."""
    save(tmp_path / "photos" / "a.png", drawn(1))
    Gallery.create(tmp_path / "photos" / "g", ["structure"]).close()
    return tmp_path / "photos"


def test_as_a_user_sees_it(photos: Path) -> None:
    """The first round adds what is there; an image that comes is added, one that goes is forgotten; Ctrl-C ends it
    with code 0. What the gallery writes into the folder is no change."""
    command = [sys.executable, "-m", "lookalike", "watch", str(photos), "--gallery", str(photos / "g"), "--refresh"]
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            first = json.loads(next(lines))
            assert (first["added"]["added"], first["forgotten"], first["problems"]) == (1, [], [])
            save(photos / "deep" / "b.png", drawn(2))
            assert json.loads(next(lines))["added"]["added"] == 1
            with Gallery.open(photos / "g") as gallery:
                assert len(gallery) == 2
            (photos / "a.png").unlink()
            assert [Path(path).name for path in json.loads(next(lines))["forgotten"]] == ["a.png"]
            process.send_signal(signal.SIGINT)
            assert (process.wait(20), process.stdout.read()) == (0, "")
        finally:
            process.kill()


def test_folders_that_were_added_are_watched(photos: Path) -> None:
    """Without a name; and images stay where nothing was said of forgetting."""
    stop = threading.Event()
    with Gallery.open(photos / "g") as gallery:
        gallery.add(photos)
        rounds = watch(gallery, stop=stop)
        assert next(rounds).added.unchanged == 1
        os.replace(photos / "a.png", photos.parent / "a.png")
        save(photos / "b.png", drawn(2))
        report = next(rounds)
        assert (report.added.added, report.forgotten, len(gallery)) == (1, (), 2)
        stop.set()
        assert list(rounds) == []


def test_what_failed_is_told_once(photos: Path) -> None:
    """A later round tells of what failed since, and not again of what is as broken as before."""
    (photos / "broken.jpg").write_text("no image")
    stop = threading.Event()
    with Gallery.open(photos / "g") as gallery:
        rounds = watch(gallery, [photos], stop=stop)
        assert [Path(one.path).name for one in next(rounds).added.failed] == ["broken.jpg"]
        (photos / "too.jpg").write_text("none either")
        assert [Path(one.path).name for one in next(rounds).added.failed] == ["too.jpg"]
        stop.set()
        assert list(rounds) == []


def test_mistakes(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder at all, one that is not there, and no watchfiles."""
    with Gallery.open(photos / "g") as gallery:
        with pytest.raises(UserError, match="name a folder"):
            next(watch(gallery))
        with pytest.raises(UserError, match="no such folder"):
            next(watch(gallery, [photos / "nowhere"]))
        monkeypatch.setitem(sys.modules, "watchfiles", None)
        with pytest.raises(MissingDependency, match=r"lookalike\[watch\]"):
            next(watch(gallery, [photos]))

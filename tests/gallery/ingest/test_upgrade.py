"""A gallery whose vectors come from earlier versions of its descriptors is described anew; all else stays."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors import get
from lookalike.errors import GalleryVersion, ModelMissing, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.elsewhere import read as reading
from lookalike.gallery.library import FILE
from lookalike.gallery.storage.base import Tuning
from lookalike.service import job_functions
from lookalike.types import Label
from networks import install, labelled_card, means, with_logits
from regional import NAME as QUARTERS
from regional import install_quarters
from samples import drawn, folder_of, save
from terminal import here

COUNT = 20
HELD = ("tint", "structure", "places", QUARTERS)
CURVE = Calibration(2.0, 1.0, "a test")

VECTORS = """SELECT p.path, d.name, v.contrast, v.vector, v.classes FROM vectors v JOIN images p ON p.id = v.image_id
             JOIN descriptors d ON d.id = v.descriptor_id WHERE d.name {} ORDER BY 1, 2"""
REGIONS = "SELECT p.path, r.data FROM regions r JOIN images p ON p.id = r.image_id ORDER BY 1"
OBJECTS = "SELECT p.path, o.name, o.count FROM objects o JOIN images p ON p.id = o.image_id ORDER BY 1, 2"
STAYS = (
    "SELECT * FROM images ORDER BY id",
    "SELECT * FROM labels WHERE source = 'csv' ORDER BY 1, 2",
    "SELECT * FROM verdicts ORDER BY 1, 2",
    "SELECT * FROM roots",
    VECTORS.format("= 'structure'"),
    "SELECT name, classes FROM descriptors WHERE classes IS NOT NULL",
)


def install_models(folder: Path, version: int) -> None:
    """Two networks under the same names, whose files, or cards, are others in each version."""
    install(folder, "means", with_logits(means(floor=-version)), labelled_card())
    install_quarters(folder, version)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install_models(tmp_path / "models", 1)
    return tmp_path / "models"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "photos", COUNT)


@pytest.fixture
def old(models: Path, photos: Path, tmp_path: Path) -> Path:
    """A gallery of the first versions, with what people and models said of it; then the second are installed."""
    with Gallery.create(tmp_path / "g", HELD) as gallery:
        fill(gallery, photos)
        gallery.classify("means")
        store = gallery._library.store
        with store.transaction():
            for name, weights in {"tint": {}, "structure": {}, "blend": {"structure": 0.5, "places": 0.5}}.items():
                store.put_tuning(name, Tuning(CURVE, weights))
            store.put_calibrations({"structure": CURVE})
    install_models(models, 2)
    return tmp_path / "g"


def fill(gallery: Gallery, photos: Path) -> None:
    """Its images, with labels and verdicts of a person."""
    gallery.add(photos)
    gallery.put_labels({str(path): [Label("thing", 1.0, "csv")] for path in photos.glob("*1.jpg")})
    gallery.add_verdicts([(photos / "0001.jpg", photos / "0002.jpg")], "different")
    gallery.add_verdicts([(photos / "0003.jpg", photos / "0004.jpg")], "same")


def rows(gallery: Path, *queries: str) -> list[list[Any]]:
    database = sqlite3.connect(gallery / FILE)
    found = [database.execute(query).fetchall() for query in queries]
    database.close()
    return found


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded to be described, in their order."""
    names: list[str] = []
    real = reading.load
    monkeypatch.setattr(reading, "load", lambda path, **given: names.append(Path(path).name) or real(path, **given))
    return names


def test_as_if_it_were_new_and_all_else_stays(old: Path, photos: Path, tmp_path: Path, decoded: list[str]) -> None:
    """Vectors, classes, regions and objects are those of a gallery made anew, each file decoded once; ids, rows, a
    person's labels, verdicts, roots and other vectors are as they were; what was fitted to earlier vectors is gone."""
    before = rows(old, *STAYS)
    with pytest.raises(GalleryVersion, match=rf"'tint', 'places', '{QUARTERS}'.*lookalike index --gallery"):
        Gallery.open(old)
    (labelled,) = rows(old, "SELECT count(*) FROM labels WHERE source LIKE 'means %'")
    assert labelled[0][0] > COUNT / 2
    report = Gallery.upgrade(old)
    assert report.replaced == ("tint", "places", QUARTERS)
    assert (report.tunings, report.calibrations) == (("blend", "tint"), ())
    assert [(source.split()[0], count) for source, count in report.labels.items()] == [("means", *labelled[0])]
    assert Gallery.upgrade(old) == type(report)()
    done: list[tuple[int, int]] = []
    with Gallery.open(old) as gallery, Gallery.create(tmp_path / "new", HELD) as new:
        assert gallery.lacking() == gallery.info().lacking == {"places": COUNT, QUARTERS: COUNT, "tint": COUNT}
        described = gallery.describe_lacking(progress=lambda *at: done.append(at))
        assert (described.updated, described.unchanged, described.failed) == (COUNT, 0, ())
        assert done[-1] == (COUNT, COUNT)
        assert sorted(decoded) == [f"{number:04}.jpg" for number in range(COUNT)]
        assert gallery.lacking() == {}
        assert gallery.describe_lacking().updated == 0
        new.add(photos)
        assert list(gallery.info().descriptors.items()) == list(new.info().descriptors.items())
        assert set(gallery._library.store.tunings()) == {"structure"}
        query = save(tmp_path / "query.png", drawn(3)[10:100, 20:150])
        for by in ("tint", "places", QUARTERS):
            assert gallery.search(query, 5, by=by) == new.search(query, 5, by=by)
        decoded.clear()
        assert gallery.classify("means").unchanged == 0
        assert decoded == []  # the classes that were kept anew are enough
    asked = (VECTORS.format("<> ''"), REGIONS, OBJECTS)
    assert rows(old, *asked) == rows(tmp_path / "new", *asked)
    assert rows(old, *STAYS) == before


KILLED = """
import os, signal, sys
from lookalike.gallery import Gallery
Gallery.upgrade(sys.argv[1])
def stop(done, total):
    os.kill(os.getpid(), signal.SIGKILL)
Gallery.open(sys.argv[1]).describe_lacking(progress=stop)
"""


@pytest.mark.kills
def test_killed_it_goes_on(old: Path, photos: Path, decoded: list[str]) -> None:
    """Killed twice, the gallery is whole each time and says what is missing; a search finds what is described; the next
    run decodes the rest alone."""
    before, left = rows(old, *STAYS), COUNT
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", KILLED, old], check=False).returncode == -9
        with Gallery.open(old) as gallery:
            assert gallery._library.store.check() == "ok"
            assert set(gallery.lacking()) == {"places", QUARTERS, "tint"}
            assert 0 < gallery.lacking()["tint"] < left
            left = gallery.lacking()["tint"]
            assert len(gallery.search(photos / "0000.jpg", COUNT, by="tint")) == COUNT - left
    ran = here("search", photos / "0000.jpg", "-g", old, "--by", "tint")
    assert (ran.code, f"{left} by tint" in ran.err) == (0, True)
    decoded.clear()
    ran = here("index", "-g", old, "--json")
    assert (ran.code, ran.json["described"]["updated"], ran.json["described"]["lacking"]) == (0, left, {})
    assert len(decoded) == len(set(decoded)) == left
    assert rows(old, *STAYS) == before


def test_the_services_job_goes_on_with_it(old: Path, photos: Path) -> None:
    """Indexing from the page describes what an upgrade has left."""
    Gallery.upgrade(old)
    report = job_functions.index(lambda *_: None, str(old), [str(photos)], retry_failed=False)
    assert (report.added, report.unchanged, report.failed) == (0, COUNT, ())
    with Gallery.open(old) as gallery:
        assert gallery.lacking() == {}


def test_files_that_are_away(old: Path, photos: Path, tmp_path: Path, decoded: list[str]) -> None:
    """They keep row and labels, are named, and are described when they are back: they alone are decoded then. One that
    holds other bytes by now is a new image once its folder is indexed."""
    before = rows(old, *STAYS)
    shutil.move(photos / "0001.jpg", tmp_path / "away.jpg")
    ran = here("index", "-g", old, "--json")
    assert (ran.code, ran.json["described"]["updated"]) == (1, COUNT - 1)
    assert [Path(one["path"]).name for one in ran.json["described"]["failed"]] == ["0001.jpg"]
    assert rows(old, *STAYS) == before
    ran = here("index", photos, "-g", old)
    assert (ran.code, "0001.jpg: vanished" in ran.err, "1 by tint" in ran.err) == (1, True, True)
    assert "1 image by tint" in here("info", "-g", old).out
    shutil.move(tmp_path / "away.jpg", photos / "0001.jpg")
    decoded.clear()
    assert here("index", "-g", old).code == 0
    assert decoded == ["0001.jpg"]
    assert rows(old, *STAYS) == before
    assert "Missing argument" in here("index", "-g", old).err


def test_gone_files_are_forgotten_when_it_is_asked_for(old: Path, photos: Path) -> None:
    """--refresh takes the images that cannot be described any more out of what is incomplete."""
    (photos / "0001.jpg").unlink()
    ran = here("index", "-g", old, "--refresh", "--force", "--json")
    assert (ran.code, ran.json["images"], ran.json["described"]["lacking"]) == (0, COUNT - 1, {})


def test_several_processes_at_once(old: Path, tmp_path: Path, photos: Path) -> None:
    """Whoever comes first throws the earlier vectors away, once; together they end where one alone would."""
    many = 3
    barrier, replaced, errors = Barrier(many), list[tuple[str, ...]](), list[Exception]()

    def run() -> None:
        try:
            barrier.wait()
            replaced.append(Gallery.upgrade(old).replaced)
            with Gallery.open(old) as gallery:
                gallery.describe_lacking()
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=run) for _ in range(many)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert sorted(map(len, replaced)) == [0, 0, 3]
    with Gallery.create(tmp_path / "new", HELD) as new:
        new.add(photos)
    asked = (VECTORS.format("<> ''"), REGIONS, OBJECTS)
    assert rows(old, *asked) == rows(tmp_path / "new", *asked)


@pytest.mark.parametrize(
    "ask",
    [
        lambda opened, photos: opened.search(photos / "0000.jpg", by="tint"),
        lambda opened, photos: opened.search(photos / "0000.jpg", by=QUARTERS),
        lambda opened, photos: opened.add(photos.parent / "more"),
        lambda opened, _: opened.describe_lacking(),
    ],
)
def test_who_had_it_open(models: Path, photos: Path, tmp_path: Path, ask: Callable[[Gallery, Path], object]) -> None:
    """A process with the earlier versions open is told to open it again, and writes none of its own vectors."""
    folder_of(tmp_path / "more", 1, first=70)
    with Gallery.create(tmp_path / "g", HELD) as opened:
        opened.add(photos)
        opened.search(photos / "0000.jpg", by="tint")
        install_models(models, 2)
        Gallery.upgrade(tmp_path / "g")
        with pytest.raises(GalleryVersion, match="open the gallery again"):
            ask(opened, photos)
        assert opened.search(photos / "0000.jpg", 1, by="structure")
    assert rows(tmp_path / "g", "SELECT count(*) FROM vectors", "SELECT count(*) FROM regions") == [[(COUNT,)], [(0,)]]


def test_nothing_goes_before_the_new_network_is_sound(old: Path, models: Path) -> None:
    """Without its file, or without its card, the gallery is left as it is."""
    tables = ("SELECT * FROM descriptors", VECTORS.format("<> ''"), REGIONS, "SELECT * FROM labels")
    before = rows(old, *tables)
    (models / "means.onnx").rename(models / "elsewhere")
    with pytest.raises(ModelMissing):
        Gallery.upgrade(old)
    (models / "means.toml").unlink()
    with pytest.raises(UserError, match="no descriptor 'tint'"):
        Gallery.upgrade(old)
    assert rows(old, *tables) == before


def test_without_paths(models: Path, photos: Path, tmp_path: Path) -> None:
    """A gallery that knows no files describes those that it is given again, and keeps ids and labels; one that cannot
    be decoded under this limit is a failure, and its image stays."""
    with Gallery.create(tmp_path / "g", HELD, retention="vectors") as gallery:
        fill(gallery, photos)
    before = rows(tmp_path / "g", *STAYS)
    install_models(models, 2)
    ran = here("index", "-g", tmp_path / "g")
    assert (ran.code, f"{COUNT} by tint" in ran.err, "lookalike index DIR... --gallery" in ran.err) == (1, True, True)
    ran = here("index", photos, "-g", tmp_path / "g", "--max-pixels", "10", "--json")
    assert (ran.json["updated"], len(ran.json["failed"]), ran.json["images"]) == (0, COUNT, COUNT)
    ran = here("index", photos, "-g", tmp_path / "g", "--json")
    assert (ran.code, ran.json["updated"], ran.json["unchanged"], ran.json["failed"]) == (0, COUNT, 0, [])
    assert here("index", photos, "-g", tmp_path / "g", "--json").json["unchanged"] == COUNT
    assert rows(tmp_path / "g", *STAYS) == before
    with Gallery.create(tmp_path / "new", HELD, retention="vectors") as new:
        new.add(photos)
    assert sorted(one[3] for one in rows(tmp_path / "g", VECTORS.format("<> ''"))[0]) == sorted(
        one[3] for one in rows(tmp_path / "new", VECTORS.format("<> ''"))[0]
    )


@pytest.fixture
def format_7(tmp_path: Path) -> Path:
    """As version 7 left it: no classes beside vectors, and `copy` and `content` of the networks of that time."""
    photos = folder_of(tmp_path / "photos", COUNT)
    with Gallery.create(tmp_path / "g", ["copy", "content", "structure"]) as gallery:
        fill(gallery, photos)
        with gallery._library.store.transaction():
            gallery._library.store.put_calibrations({"copy": CURVE, "verified": CURVE})
    database = sqlite3.connect(tmp_path / "g" / FILE)
    for name, version in {"copy": 1, "content": 2}.items():
        card = json.dumps({"name": name, "version": version})
        database.execute("UPDATE descriptors SET fingerprint = ?, card = ? WHERE name = ?", (name * 3, card, name))
    database.execute("UPDATE vectors SET vector = zeroblob(512) WHERE descriptor_id < 3")
    database.execute("ALTER TABLE vectors DROP COLUMN classes")
    database.execute("DROP TRIGGER image_moved")
    items = ("item_values", "item_files", "item_columns", "items")
    for table in ("frames", "sounds", "face_words", "faces", "persons", *items):
        database.execute(f"DROP TABLE {table}")
    for column in ("codec", "duration", "fps", "bitrate"):
        database.execute(f"ALTER TABLE images DROP COLUMN {column}")
    database.execute("PRAGMA user_version = 7")
    database.commit()
    database.close()
    return tmp_path / "g"


def test_a_gallery_of_format_7(format_7: Path, tmp_path: Path) -> None:
    """Every verb says in a line what to do; `index` without a folder does it, and says what it forgot; what people said
    stays, and the shipped networks' vectors and classes are those of a new gallery."""
    images, *others = rows(format_7, *STAYS[:4])
    before = [[(*one, None, None, None, None) for one in images], *others]  # images have no columns of videos
    for verb in (["search", tmp_path / "photos" / "0000.jpg"], ["duplicates"], ["info"], ["check"], ["serve"]):
        ran = here(*verb, "-g", format_7)
        assert (ran.code, ran.err.count("\n")) == (3, 1), verb
        assert f"lookalike index --gallery {format_7}" in ran.err
    ran = here("index", "-g", format_7)
    assert (ran.code, f"copy, content: described anew {COUNT} images" in ran.out) == (0, True)
    assert "copy, content: of another version" in ran.err
    assert "the calibration (copy, verified); afterwards: lookalike calibrate" in ran.err
    assert rows(format_7, *STAYS[:4]) == before
    with Gallery.create(tmp_path / "new", ["copy", "content", "structure"]) as new:
        new.add(tmp_path / "photos")
        query = save(tmp_path / "query.png", drawn(3)[10:100, 20:150])
        with Gallery.open(format_7) as gallery:
            assert gallery.search(query, 5, rerank=0) == new.search(query, 5, rerank=0)
            assert gallery.info().descriptors["copy"] == get("copy").card.fingerprint
    assert rows(format_7, VECTORS.format("<> ''")) == rows(tmp_path / "new", VECTORS.format("<> ''"))

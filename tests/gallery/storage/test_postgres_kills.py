"""Twenty kills of a client, and twenty of the server, in the middle of ``add``: nothing that was acknowledged is lost,
and nothing is there twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from lookalike.errors import GalleryUnreachable
from lookalike.gallery import Gallery
from lookalike.gallery.ingest import ingest
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.postgres import engine
from postgres_server import PostgresServer, running_postgres
from samples import folder_of

pytestmark = [pytest.mark.full, pytest.mark.kills]

KILLS = 20
DESCRIPTORS = ("pdq", "structure")
BATCH = 4  # files in a transaction
ADD = """
import sys
from lookalike.gallery import Gallery
from lookalike.gallery.ingest import ingest
ingest.BATCH = int(sys.argv[3])
with Gallery.open(sys.argv[1]) as gallery:
    gallery.add(sys.argv[2])
"""


def every_path(store: GalleryStorage) -> list[str]:
    """Of all images; each has one vector of each descriptor, and no vector is without its image."""
    with store.snapshot():
        rows = list(store.every_row())
        for name in DESCRIPTORS:
            assert [number for number, *_ in store.packed_vectors(name, 0, 10_000)] == [row.id for row in rows]
    return [row.path for row in rows]


def assert_kept(store: GalleryStorage, acknowledged: Sequence[str]) -> None:
    """What was there is there still, and nothing twice."""
    here = every_path(store)
    assert len(here) == len(set(here))
    assert set(acknowledged) <= set(here)


def test_twenty_kills_of_a_client(postgres: PostgresServer, tmp_path: Path) -> None:
    """What another connection saw before is there, and the next one goes on."""
    photos = folder_of(tmp_path / "photos", 400)
    url = postgres.url(uuid4().hex)
    Gallery.create(url, DESCRIPTORS).close()
    watcher, chance = engine.open_storage(url), random.Random(1)
    killed = 0
    while killed < KILLS:
        before = watcher.count()
        if before > 300:  # so that there is always something to be killed in
            known = every_path(watcher)
            with watcher.transaction():
                watcher.forget(known[:250])
            before = watcher.count()
        process = subprocess.Popen([sys.executable, "-c", ADD, url, str(photos), str(BATCH)])
        while watcher.count() == before and process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.1)
        seen = every_path(watcher)
        process.kill()
        killed += process.wait(60) == -signal.SIGKILL
        assert_kept(watcher, seen)
    with Gallery.open(url) as gallery:
        assert gallery.add(photos).failed == ()
    assert sorted(every_path(watcher)) == sorted(str(file) for file in photos.iterdir())
    assert watcher.check() == "ok"
    watcher.close()


def test_twenty_kills_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who adds gets an error; what was there is there when the server is back, and he goes on without opening anew."""
    monkeypatch.setattr(ingest, "BATCH", BATCH)
    photos = folder_of(tmp_path / "photos", 300)
    chance = random.Random(2)
    with running_postgres() as server:
        url = server.url("photos")
        Gallery.create(url, DESCRIPTORS).close()
        watcher = engine.open_storage(url)
        with Gallery.open(url) as gallery:
            broken_off = 0
            while broken_off < KILLS:
                broken_off += _killed_once(server, gallery, watcher, photos, chance)
            assert gallery.add(photos).failed == ()
        assert sorted(every_path(watcher)) == sorted(str(file) for file in photos.iterdir())
        assert watcher.check() == "ok"
        watcher.close()


def _killed_once(
    server: PostgresServer, gallery: Gallery, watcher: GalleryStorage, photos: Path, chance: random.Random
) -> bool:
    """Whether the adding was broken off by the server's end."""
    broken_off: list[GalleryUnreachable] = []

    def add() -> None:
        try:
            gallery.add(photos)
        except GalleryUnreachable as error:
            broken_off.append(error)

    before = watcher.count()
    if before > 200:
        known = every_path(watcher)
        with watcher.transaction():
            watcher.forget(known[:180])
        before = watcher.count()
    thread = threading.Thread(target=add)
    thread.start()
    while watcher.count() == before and thread.is_alive():
        time.sleep(0.005)
    time.sleep(chance.random() * 0.1)
    seen = every_path(watcher)
    server.kill()
    thread.join(60)
    assert not thread.is_alive()
    server.start()
    assert_kept(watcher, seen)
    return bool(broken_off)

"""A gallery in PostgreSQL: what is its own beyond the contract, and what becomes of bad input."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
import pytest

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import (
    GalleryError,
    GalleryExists,
    GalleryMissing,
    GalleryReadOnly,
    GalleryUnreachable,
    GalleryVersion,
    UserError,
)
from lookalike.gallery import Gallery
from lookalike.gallery.storage.base import GalleryStorage, NewGallery, NewImage
from lookalike.gallery.storage.database import Database
from lookalike.gallery.storage.postgres import engine
from lookalike.gallery.storage.postgres.address import Address
from lookalike.gallery.storage.row import Row
from postgres_server import GUEST, PostgresServer, running_postgres
from samples import folder_of
from served import serving

HERE = "postgresql://me:secret@127.0.0.1"
FLOATS = DescriptorCard("floats", 1, "cosine", 16, 256, 1, 0.1, 1.0, "none")
MANY = 1_200  # rows: enough for statistics and a graph of their own


def rows(count: int, first: int = 0) -> list[NewImage]:
    """Images without files, each with a random vector; every fortieth is a PNG."""
    random = np.random.default_rng(first)
    return [
        NewImage(
            Row(0, f"/{n}.jpg", f"{n:x}", n, 1, n, 10, "JPEG" if n % 40 else "PNG", None, None),
            {"floats": (random.normal(size=16).astype(np.float16).tobytes(), 1.0)},
        )
        for n in range(first, first + count)
    ]


def connect(server: PostgresServer) -> psycopg.Connection[Any]:
    """Past the gallery."""
    return psycopg.connect(server.url("", more="").replace("?gallery=", ""), autocommit=True)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Of an empty gallery with one descriptor."""
    place = postgres.url(uuid4().hex)
    engine.create_storage(place, NewGallery([FLOATS]))
    return place


@pytest.fixture
def store(url: str) -> Iterator[GalleryStorage]:
    opened = engine.open_storage(url)
    yield opened
    opened.close()


# --- without a server


def test_no_server_says_how_to_start_one() -> None:
    """Exit code 3, without the password, for opening, asking and making."""
    for ask in (Gallery.open, Gallery.exists, Gallery.create):
        with pytest.raises(GalleryUnreachable, match=r"me@127.0.0.1:1/db.*no server answers.*pg_ctl start") as caught:
            ask(f"{HERE}:1/db?gallery=photos")
        assert caught.value.exit_code == 3
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("gallery=a;b", "gallery's name"),
        ("gallery=" + "x" * 41, "gallery's name"),
        ("deadline=soon", "number of seconds"),
        ("deadline=-1", "number of seconds"),
        ("nonsense=1", "nonsense"),
    ],
)
def test_what_a_url_cannot_say(query: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as caught:
        Gallery.open(f"{HERE}:1/db?{query}")
    assert "secret" not in str(caught.value)


def test_an_address() -> None:
    """The gallery's own parameters are taken out, libpq's stay."""
    address = Address.of(f"{HERE}/db?sslmode=require&gallery=my-photos&deadline=2.5")
    assert (address.server, address.schema) == (f"{HERE}/db?sslmode=require", "lookalike_my-photos")
    assert (address.milliseconds, Address.of(f"{HERE}/db").schema) == ("2500", "lookalike_gallery")


# --- with one


@pytest.mark.full
def test_its_tables_are_those_of_the_sqlite_file(url: str, postgres: PostgresServer, tmp_path: Path) -> None:
    """With the same columns, in the same order, but for vectors and what only one of them needs."""
    database = Database.create(tmp_path / "g.sqlite")
    tables = [name for (name,) in database.all("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    expected = {name: [row[1] for row in database.all(f"PRAGMA table_info({name})")] for name in tables}
    database.close()
    with connect(postgres) as direct:
        sql = """SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
                 FROM information_schema.columns WHERE table_schema = %s GROUP BY 1"""
        found = dict(direct.execute(sql, (Address.of(url).schema,)).fetchall())
    assert found.pop("vectors_1") == ["image_id", "contrast", "vector", "classes"]
    assert found.pop("writes") == ["number"]
    assert {name: columns for name, columns in expected.items() if name not in ("vectors", "sqlite_sequence")} == found


@pytest.mark.full
def test_a_gallery_that_is_not_there_or_there_already(url: str, postgres: PostgresServer) -> None:
    """Each says what to do; nobody gets in without a password; a database that is not there has its own words."""
    with pytest.raises(GalleryMissing, match="lookalike index"):
        engine.open_storage(postgres.url("none"))
    assert (engine.exists(url), engine.exists(postgres.url("none"))) == (True, False)
    with pytest.raises(GalleryExists, match="open it"):
        engine.create_storage(url, NewGallery([FLOATS]))
    with connect(postgres) as direct:
        direct.execute(f"CREATE ROLE {GUEST} LOGIN PASSWORD 'right'")
    for user, reason in ((f"{GUEST}:wrong", "password"), (GUEST, "password"), ("nobody", "does not let us in")):
        with pytest.raises(GalleryUnreachable, match=reason) as caught:
            engine.open_storage(postgres.url("photos", user))
        assert "wrong" not in str(caught.value)
    with pytest.raises(GalleryReadOnly, match="may not do that"):
        engine.create_storage(postgres.url("photos", f"{GUEST}:right"), NewGallery([FLOATS]))
    with pytest.raises(GalleryUnreachable, match="createdb"):
        engine.open_storage(url.replace("/postgres?", "/nothing?"))


@pytest.mark.full
def test_a_gallery_of_another_version(url: str, postgres: PostgresServer) -> None:
    for version, which in ((99, "a newer"), (12, "an earlier")):
        with connect(postgres) as direct:
            schema = Address.of(url).schema
            direct.execute(f"UPDATE \"{schema}\".meta SET value = '{version}' WHERE key = 'format'")
        with pytest.raises(GalleryVersion, match=rf"{which} Lookalike \(format {version}"):
            engine.open_storage(url)


@pytest.mark.full
def test_two_writers(url: str) -> None:
    """They take turns, and ids rise in the order of commits; who waits too long is told, and left nothing there."""

    def write(first: int) -> None:
        opened = engine.open_storage(url)
        for start in range(first, first + 60, 3):
            with opened.transaction():
                for image in rows(3, start):
                    opened.put(image)
        opened.close()

    store = engine.open_storage(url)
    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 1_000)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while any(thread.is_alive() for thread in threads):
        ids = store.select().tolist()
        assert ids[: len(seen)] == seen  # nothing came before what was there
        seen = ids
    assert store.count() == 120
    late = engine.open_storage(f"{url}&deadline=1")
    with store.transaction(), pytest.raises(GalleryError, match="another process is writing"), late.transaction():
        late.put(rows(1, 5_000)[0])
    assert (late.count(), store.count()) == (120, 120)
    late.close()
    store.close()


@pytest.mark.full
def test_the_server_dies_and_comes_back() -> None:
    """Whoever is in the middle of a transaction is told, and nothing of it is there; the next one finds the server
    again, without being opened anew. One that stands still is given up at the deadline."""
    with running_postgres() as server:
        place = server.url("photos", more="&deadline=1")
        engine.create_storage(place, NewGallery([FLOATS]))
        store = engine.open_storage(place)
        with store.transaction():
            store.put(rows(1)[0])

        def interrupted() -> None:
            with store.transaction():
                store.put(rows(1, 10)[0])
                server.kill()
                store.put(rows(1, 20)[0])

        with pytest.raises(GalleryUnreachable, match=r"went away.*what was committed is kept"):
            interrupted()
        with pytest.raises(GalleryUnreachable, match="no server answers"):
            store.count()
        server.start()
        assert store.count() == 1
        with store.transaction():
            store.put(rows(1, 30)[0])
        with server.frozen():
            begun = time.monotonic()
            with pytest.raises(GalleryUnreachable, match="within the deadline"):
                store.count()
            assert time.monotonic() - begun < 20
        assert store.count() == 2
        with pytest.raises(GalleryUnreachable, match="within the deadline"):
            store._db.all("SELECT pg_sleep(5)")
        store.close()


@pytest.mark.full
def test_searches_through_a_graph_with_filters(
    url: str, store: GalleryStorage, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is built once there are enough vectors, used, and as good as looking at each; of a filter that leaves few all
    are found, handed over as ids or compiled into the question."""
    monkeypatch.setattr("lookalike.gallery.storage.postgres.index.HNSW_FROM", 1_000)
    images = rows(MANY)
    with store.transaction():
        for image in images:
            store.put(image)
    index, writer = store.index(FLOATS), engine.open_storage(url)
    assert index is not None
    vectors = np.array([np.frombuffer(one.vectors["floats"][0], np.float16) for one in images], np.float32)
    ids, distances = index.search(vectors[:50], 10)
    assert (ids[:, 0] == np.arange(1, 51)).all()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = np.sort(1 - unit[:50] @ unit.T, axis=1)[:, :10]
    assert np.isclose(distances, exact, atol=2e-3).mean() > 0.98
    with connect(postgres) as direct:
        direct.execute(f'SET search_path = "{Address.of(url).schema}", public')
        sql = "EXPLAIN SELECT image_id FROM vectors_1 WHERE contrast >= 0.1 ORDER BY vector <=> %s::halfvec LIMIT 10"
        (plan,) = zip(*direct.execute(sql, (str(vectors[0].tolist()),)).fetchall(), strict=True)
        assert any("vectors_1_hnsw" in line for line in plan)
    few = store.select("format = 'PNG'")
    assert len(few) == MANY // 40
    wanted = 1 + np.flatnonzero(np.arange(MANY) % 40 == 0)
    for narrowed in ({"allowed": few}, {"where": "format = 'PNG'"}, {"allowed": few, "where": "width >= 0"}):
        found, _ = index.search(vectors[:1], len(few) + 3, **narrowed)
        assert sorted(found[0].tolist()) == [-1, -1, -1, *wanted.tolist()]
    writer.close()


@pytest.mark.full
def test_like_in_every_script(store: GalleryStorage) -> None:
    """As in SQLite: upper and lower case are the same, and both ways to write an accent; a backslash at the end of a
    pattern is one."""
    with store.transaction():
        for number, name in enumerate(("/fotos/ÉTÉ.jpg", "/Straße_1.jpg", "/50%.jpg", "/ΣΊΣΥΦΟΣ.jpg")):
            store.put(NewImage(Row(0, name, str(number), 1, 1, 1, 1, "JPEG", None, None), {}))
    for where, expected in (
        ("path like '%été%'", [1]), ("path like '%e\u0301te\u0301%'", [1]), ("path like '%STRA_E%'", [2]),
        (r"path like '%\_1%'", [2]), (r"path like '%50\%%'", [3]), ("path like '%σίσυφο_%'", [4]),
        ("path like 'JPG'", []), ("path like '%\\'", []), ("path like '%é\\'", []),
    ):  # fmt: skip
        assert store.select(where).tolist() == expected, where


@pytest.mark.full
def test_a_replica_answers_and_takes_over(url: str, store: GalleryStorage, postgres: PostgresServer) -> None:
    """A streaming replica is read only and says so; promoted, it has every row and takes more."""
    with store.transaction():
        for image in rows(200):
            store.put(image)
    with running_postgres(postgres) as replica:
        with store.transaction():
            store.put(rows(1, 1_000)[0])
        second = engine.open_storage(replica.url(url.partition("gallery=")[2]))
        until = time.monotonic() + 20
        while second.count() < 201 and time.monotonic() < until:
            time.sleep(0.02)
        assert (second.count(), second.read_only) == (201, True)
        with pytest.raises(GalleryReadOnly, match="replica"), second.transaction():
            second.put(rows(1, 2_000)[0])
        second.close()
        replica.promote()
        promoted = engine.open_storage(replica.url(url.partition("gallery=")[2]))
        assert (promoted.count(), promoted.read_only, promoted.check()) == (201, False, "ok")
        assert len(promoted.vectors("floats", dtype=np.float16)[0]) == 201
        with promoted.transaction():
            promoted.put(rows(1, 3_000)[0])
        assert promoted.count() == 202
        promoted.close()


@pytest.mark.full
def test_what_a_server_does_by_itself(store: GalleryStorage, tmp_path: Path) -> None:
    """A backup is its own; what was deleted is gone from its tables once they are written anew."""
    with pytest.raises(UserError, match=r"pg_dump -n lookalike_.*lookalike migrate"):
        store.backup(tmp_path / "copy")
    with store.transaction():
        for image in rows(300):
            store.put(image)
    before = store.disk_bytes()
    with store.transaction():
        store.forget(f"/{number}.jpg" for number in range(300))
    store.vacuum()
    assert store.disk_bytes() < before


@pytest.mark.full
def test_a_library_through_the_verbs(postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hits and groups as in a folder, from files that are added, changed and removed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photos = folder_of(tmp_path / "photos", 8)
    (photos / "copy.jpg").write_bytes((photos / "0003.jpg").read_bytes())
    answers = []
    for place in (str(tmp_path / "g"), postgres.url(uuid4().hex)):
        with Gallery.create(place, ["copy", "content", "regions"]) as gallery:
            assert gallery.add(photos).added == 9
            hits = gallery.search(photos / "0005.jpg", 4, rerank=0, where="width > 10 and not format = 'PNG'")
            groups = [(group.keep, group.others) for group in gallery.duplicates()]
            texts = [hit.path for hit in gallery.search_text("a dog", k=3, least=0).hits]
            gallery.remove(photos / "0005.jpg")
            again = gallery.search(photos / "0005.jpg", 4, rerank=0)
            assert gallery.check().problems == ()
            answers.append((
                [(hit.path, round(hit.distance, 3)) for hit in hits], groups, texts,
                [(hit.path, round(hit.distance, 3)) for hit in again],
            ))  # fmt: skip
    assert answers[0] == answers[1]


@pytest.mark.full
@pytest.mark.server
def test_two_services_over_one_gallery(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answers by what the other, and a command, has written; each is ready; one goes on when the other ends."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photos, place = folder_of(tmp_path / "photos", 6), postgres.url(uuid4().hex)
    with Gallery.create(place, ["copy", "content"]) as gallery:
        gallery.add([photos / f"{number:04}.jpg" for number in range(5)])
        with serving(place, logs=tmp_path) as one, serving(place, logs=tmp_path) as other:
            query, late = photos / "0002.jpg", photos / "0005.jpg"
            assert [served.search(query)["hits"][0]["path"] for served in (one, other)] == [str(query)] * 2
            gallery.add(late)
            assert [served.search(late)["hits"][0]["path"] for served in (one, other)] == [str(late)] * 2
            number = one.search(late)["hits"][0]["id"]
            assert one.delete(f"/v1/images/{number}").status_code == 204
            assert str(late) not in [hit["path"] for hit in other.search(late)["hits"]]
            one.stop()
            assert other.search(query)["hits"][0]["path"] == str(query)
            assert len(gallery) == 5

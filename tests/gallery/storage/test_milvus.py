"""Galleries on a real Milvus server: the same filters as on SQLite, two writers, kills, and what goes wrong."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.region_model import NO_CLASS, Regions
from lookalike.errors import GalleryError, GalleryExists, GalleryMissing, GalleryUnreachable, GalleryVersion
from lookalike.gallery.storage.base import (
    GalleryStorage,
    Item,
    NewGallery,
    NewImage,
    PackedFace,
    PackedRegions,
    Prediction,
)
from lookalike.gallery.storage.engines import engine_of
from lookalike.gallery.storage.milvus.address import address
from lookalike.gallery.storage.milvus.collections import images_of, records_of
from lookalike.gallery.storage.region_codec import packed
from lookalike.gallery.storage.row import Row
from lookalike.types import Label
from milvus_server import MilvusServer, apart, running_milvus
from samples import folder_of

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.full

FLOATS = DescriptorCard("floats", 3, "cosine", 4, 64, 1, 0.1, 1.0, "none")
FACES = DescriptorCard("faces", 1, "cosine", 4, 64, 1, 0.1, 1.0, "none")
NEW = NewGallery([FLOATS])
CLIENT_KILLS = 20
SERVER_KILLS = 10
SESSION_SECONDS = 5  # of a server that is killed: so long it takes to come back, at least


@pytest.fixture
def url(milvus: MilvusServer) -> str:
    """Of an empty gallery."""
    place = milvus.url()
    engine_of(place).create_storage(place, NEW)
    return place


@pytest.fixture
def store(url: str) -> Iterator[GalleryStorage]:
    with closing(opened(url)) as found:
        yield found


def opened(url: str) -> GalleryStorage:
    return engine_of(url).open_storage(url)


def image(number: int, **others: object) -> NewImage:
    row = Row(0, f"/photos/{number}.jpg", f"sha{number}", 100 + number, 5, 10 * number, 40, "JPEG", None, None)
    return NewImage(replace(row, **others), {"floats": (np.full(4, number, np.float16).tobytes(), 1.0)})


def put(store: GalleryStorage, *numbers: int) -> list[int]:
    with store.transaction():
        return [store.put(image(number)) for number in numbers]


def put_slowly(store: GalleryStorage, meanwhile: Callable[[], object]) -> None:
    """Image 3, in one transaction with something else."""
    with store.transaction():
        store.put(image(3))
        meanwhile()


def paths(store: GalleryStorage) -> list[str]:
    return [row.path for row in store.every_row()]


# --- filters


def varied(store: GalleryStorage) -> None:
    """Images with and without everything that a filter can speak of."""
    boxes = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)
    regions = packed(Regions(boxes, np.ones(2, np.float32), np.full(2, NO_CLASS), np.eye(2, 4, dtype=np.float32)))
    face = PackedFace(bytes(20), 1.0, None)
    with store.transaction():
        others = {
            1: {"camera": "Leica M6", "taken": "2024-05-01 10:00:00", "path": "/photos/Été_1.jpg"},
            2: {"camera": '"quoted\\', "damage": "scans are missing", "frames": None},
            3: {"format": "PNG", "taken": "2023-01-01 00:00:00", "height": 400},
            4: {"codec": "h264", "duration": 9.5, "fps": 25.0, "bitrate": 0, "format": "MP4"},
            5: {"frames": 7, "camera": "leica"},
        }
        ids = {}
        for number, changes in others.items():
            found = PackedRegions(regions, {"": number, "cat": 1} if number % 2 else {"": 0}, (face, face))
            given = {"faces": found} if number in (1, 2, 3) else {}
            vectors = {} if number == 4 else image(number).vectors
            ids[number] = store.put(replace(image(number, **changes), vectors=vectors, regions=given))
        store.labels.put([(ids[1], Label("dog", 0.6, "net 1")), (ids[1], Label("cat", 1.0, "csv"))])
        store.labels.put_classifier("net 1", "net", ["dog"])
        store.labels.put_predictions("net 1", "net", 1, [Prediction(ids[3], (Label("dog", 0.4, "net 1"),))])
        anna = store.faces.person("Anna")
        nobody = store.faces.person(None)
        stored = store.faces.of_images("faces", [ids[1], ids[2]])
        store.faces.assign("faces", [replace(stored[ids[1]][0], person=anna, source="user", probability=1.0)])
        store.faces.assign("faces", [replace(stored[ids[2]][1], person=nobody, source="grouped", probability=0.9)])
        store.items.put_columns({"price": "number", "size": "text"})
        store.items.put(Item("A", "Red shirt", ("/photos/Été_1.jpg", "/photos/3.jpg"), {"price": 9.5, "size": "M"}))
        store.items.put(Item("B", "Blue shirt", ("/photos/Été_1.jpg", "/gone.jpg"), {"price": 70.0}))


FILTERS = """width >= 30
width < 30 or height > 100
not camera = 'Leica M6'
camera != 'Leica M6'
camera is null
camera = '"quoted\\'
camera like '%LEICA%'
not camera like 'leica%'
path like '%/été\\_1%'
path in ('/photos/3.jpg', '/photos/5.jpg')
taken >= '2024-01-01' and camera is not null and megapixels > 0.0003
aspect <= 1
bytes = 103
frames is null
frames != 7
not (frames > 1 and format = 'JPEG')
codec = 'h264' or duration > 3
fps is not null
bitrate = 0
damage like '%missing'
label = 'cat'
label = 'dog'
label != 'dog'
label is null
label_probability < 0.5
not label_probability < 0.5
faces >= 2
faces = 0
person = 'Anna'
person != 'Anna'
person is null
person like 'an%'
objects > 1
objects is null
object = 'cat'
object != 'cat'
object is null
object in ('cat', 'dog')
item.price < 50
item.price < 50 and item.id = 'B'
item.price > 50 or width = 30
item.size is null
not item.size = 'M'
item.title like '%SHIRT' and format = 'PNG'""".splitlines()


def test_filters_leave_what_sqlite_leaves(milvus: MilvusServer, tmp_path: Path) -> None:
    """Whatever they speak of, whether Milvus evaluates them or the ids are selected first; also before the commit."""
    new = NewGallery([FLOATS, FACES], {"faces": ["cat"]})
    places = [str(tmp_path / "g.gallery"), milvus.url()]
    stores = []
    for place in places:
        engine_of(place).create_storage(place, new)
        stores.append(opened(place))
        varied(stores[-1])
    expected, found = ({where: store.select(where).tolist() for where in FILTERS} for store in stores)
    assert found == expected
    assert len({tuple(one) for one in expected.values()}) > 15
    for where in (None, "item.price < 50", "width = 30 and item.price < 50"):
        pairs = [[part.tolist() for part in store.items.images(where)] for store in stores]
        assert pairs[0][1] == pairs[1][1]
    with stores[1].transaction():
        number = stores[1].put(image(3, path="/photos/new.jpg", camera="Leica"))
        assert stores[1].select("width = 30 and camera = 'Leica'").tolist() == [number]
        assert number in stores[1].select("camera like 'lei%' and width > 1").tolist()
    for store in stores:
        store.close()


# --- the guide


def test_the_commands_of_the_guide(milvus: MilvusServer, tmp_path: Path) -> None:
    """docs/how-to/milvus.md, from its top to its end."""
    text = (ROOT / "docs" / "how-to" / "milvus.md").read_text("utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    verbs = [shlex.split(line)[1:] for line in lines if line.startswith("lookalike ")]
    assert len(verbs) == 8
    folder_of(tmp_path / "photos", 6)
    shutil.copy(tmp_path / "photos" / "0003.jpg", tmp_path / "photos" / "copy.jpg")
    shutil.copy(tmp_path / "photos" / "0003.jpg", tmp_path / "query.jpg")
    here = milvus.url()
    said = []
    for verb in verbs:
        arguments = [re.sub(r"milvus://[^\s?]+", here, one) for one in verb]
        done = subprocess.run(
            [sys.executable, "-m", "lookalike", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert "7 added" in said[0]
    assert "0003.jpg" in said[1]
    assert "copy.jpg" in said[2]
    assert "0003.jpg" not in said[2]
    assert "1 groups, 1 copies" in said[3] or "1 group, 1 copy" in said[3]
    assert here in said[4]
    assert "no problem" in said[5]
    assert "no problem" in said[6]
    assert "7 unchanged" in said[7]


# --- what goes wrong


def test_no_server_and_no_gallery(milvus: MilvusServer) -> None:
    """Both say what to do."""
    with pytest.raises(GalleryUnreachable, match="milvus-server") as caught:
        opened("milvus://127.0.0.1:1/photos")
    assert caught.value.exit_code == 3
    with pytest.raises(GalleryMissing, match="lookalike index FOLDER --gallery milvus://"):
        opened(milvus.url())


def test_a_gallery_is_made_once(url: str) -> None:
    """A second one of its name is refused, and nothing of the first is touched."""
    with pytest.raises(GalleryExists):
        engine_of(url).create_storage(url, NEW)
    with closing(opened(url)) as store:
        assert list(store.fingerprints()) == ["floats"]


def test_collections_of_another_version(milvus: MilvusServer) -> None:
    """They are told, and left alone."""
    from pymilvus import MilvusClient

    url = milvus.url()
    name = url.rpartition("/")[2]
    with closing(MilvusClient(f"http://127.0.0.1:{milvus.port}")) as client:
        client.create_collection(f"{name}__state_99_1_0_1_1_0_0_0", dimension=2)
        with pytest.raises(GalleryVersion, match="format 99"):
            opened(url)
        assert client.has_collection(f"{name}__state_99_1_0_1_1_0_0_0")


def test_a_slow_server_has_a_deadline(milvus: MilvusServer, url: str) -> None:
    """A call gives up after the seconds that the URL says; the next one is answered once the server goes on."""
    with closing(opened(f"{url}?timeout=2")) as store:
        put(store, 1)
        milvus.freeze()
        began = time.monotonic()
        try:
            with pytest.raises(GalleryUnreachable, match="within 2 seconds"):
                store.row_of("/photos/1.jpg")
        finally:
            milvus.freeze(signal.SIGCONT)
        assert time.monotonic() - began < 15
        assert store.row_of("/photos/1.jpg") is not None


# --- several writers


def test_two_writers(url: str) -> None:
    """They take turns: everything of both is there, once."""

    def write(numbers: range) -> None:
        with closing(opened(url)) as store:
            for number in numbers:
                put(store, number)

    threads = [threading.Thread(target=write, args=(range(start, start + 6),)) for start in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(opened(url)) as store:
        assert sorted(paths(store)) == sorted(f"/photos/{n}.jpg" for n in (*range(6), *range(100, 106)))
        assert store.check() == "ok"


def test_a_writer_that_is_silent_too_long(url: str, store: GalleryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one writes after a while; what the first then wants to write is refused whole, and it can begin anew."""
    monkeypatch.setattr("lookalike.gallery.storage.milvus.state.LEASE_SECONDS", 1)
    with closing(opened(url)) as other:
        with pytest.raises(GalleryError, match="silent for too long"):
            put_slowly(store, lambda: put(other, 2))
        put(store, 3)
        assert paths(other) == ["/photos/2.jpg", "/photos/3.jpg"]
        assert other.check() == "ok"


def test_a_commit_that_is_broken_off_is_carried_out(
    url: str, store: GalleryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the new state, the next reader does what its writer did not; before it, nothing is seen of it."""
    monkeypatch.setattr("lookalike.gallery.storage.milvus.state.LEASE_SECONDS", 1)
    put(store, 1, 2)
    for step, expected in (("_carry_out", ["/photos/2.jpg", "/photos/3.jpg"]), ("_write_journal", ["/photos/2.jpg"])):
        dying = opened(url)  # and not closed: who is killed closes nothing
        with monkeypatch.context() as patch:
            patch.setattr(f"lookalike.gallery.storage.milvus.commit.Writer.{step}", die)
            with pytest.raises(Died):
                put_slowly(dying, partial(dying.forget, ["/photos/1.jpg"]))
        with closing(opened(url)) as reader:
            assert paths(reader) == expected
            put(reader, 4)
            assert reader.check() == "ok"
            assert len(reader.vectors("floats", dtype=np.float16)[0]) == reader.count()
            with reader.transaction():
                reader.forget(["/photos/3.jpg", "/photos/4.jpg"])


class Died(BaseException):
    """As a kill, which nothing catches."""


def die(*_: object) -> None:
    raise Died


# --- what Milvus shows no more


def lose(milvus: MilvusServer, name: str, chosen: str) -> list[dict[str, Any]]:
    """Documents of a collection that Milvus had acknowledged; returns them."""
    with closing(client_of(milvus)) as client:
        lost = client.query(name, filter=chosen, output_fields=["*"], consistency_level="Strong")
        client.delete(name, ids=[one["id"] for one in lost])
        assert not client.query(name, filter=chosen, output_fields=["id"], consistency_level="Strong")
    return [dict(one) for one in lost]


def lose_image(milvus: MilvusServer, url: str, number: int) -> list[dict[str, Any]]:
    return lose(milvus, images_of(address(url).gallery), f"bytes == {100 + number}")


def client_of(milvus: MilvusServer) -> Any:
    """As another program would ask the server."""
    from pymilvus import MilvusClient

    return MilvusClient(f"http://127.0.0.1:{milvus.port}")


def test_what_is_not_shown_is_not_taken_for_gone(milvus: MilvusServer, url: str, store: GalleryStorage) -> None:
    """Neither who opens the gallery nor who writes goes on without it: it would be written twice."""
    put(store, 1, 2)
    hasty = f"{url}?timeout=1"
    with closing(opened(hasty)) as writer:
        lose_image(milvus, url, 1)
        for attempt in (partial(opened, hasty), partial(put, writer, 1)):
            with pytest.raises(GalleryUnreachable, match=r"shows 1 of 2 images .* still loading them, or has lost"):
                attempt()
    with closing(opened(f"{url}?lost=forget")) as found:
        assert paths(found) == ["/photos/2.jpg"]


def test_what_is_shown_later_is_waited_for(milvus: MilvusServer, url: str, store: GalleryStorage) -> None:
    """A server that was started again answers before it has loaded all that it holds."""
    put(store, 1, 2)
    rows = lose_image(milvus, url, 1)
    with closing(client_of(milvus)) as client:
        coming = threading.Timer(2.0, client.upsert, (images_of(address(url).gallery), rows))
        coming.start()
        try:
            with closing(opened(url)) as late:
                assert paths(late) == ["/photos/1.jpg", "/photos/2.jpg"]
        finally:
            coming.join()


def test_a_journal_that_is_not_shown_was_not_carried_out(
    milvus: MilvusServer, url: str, store: GalleryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless all is there that it speaks of."""
    monkeypatch.setattr("lookalike.gallery.storage.milvus.state.LEASE_SECONDS", 1)
    put(store, 1)
    dying = opened(url)
    with monkeypatch.context() as patch:
        patch.setattr("lookalike.gallery.storage.milvus.commit.Writer._carry_out", die)
        with pytest.raises(Died):
            put(dying, 2)
    records = records_of(address(url).gallery)
    journal = lose(milvus, records, 'kind == "journal"')
    with pytest.raises(GalleryUnreachable, match="shows 1 of 2 images"):
        opened(f"{url}?timeout=1")
    with closing(client_of(milvus)) as client:
        client.upsert(records, journal)
    with closing(opened(url)) as late:
        assert paths(late) == ["/photos/1.jpg", "/photos/2.jpg"]
        assert late.check() == "ok"


def test_what_is_lost_is_forgotten_when_that_is_said(milvus: MilvusServer, url: str, store: GalleryStorage) -> None:
    """With everything that belonged to it; then the gallery is used as before, and other processes know of it."""
    put(store, 1, 2)
    before = store.last_removal()
    lose_image(milvus, url, 1)
    with closing(opened(f"{url}?lost=forget")) as found:
        assert paths(found) == ["/photos/2.jpg"]
        assert found.check() == "ok"
    assert (paths(store), store.count(), store.check()) == (["/photos/2.jpg"], 1, "ok")
    assert store.removed_since(before)[1].tolist() == [1]
    put(store, 1)
    with closing(opened(url)) as again:
        assert sorted(paths(again)) == ["/photos/1.jpg", "/photos/2.jpg"]


# --- kills

WRITER = """
import sys
from lookalike.gallery.storage.engines import engine_of
from lookalike.gallery.storage.milvus import state
state.LEASE_SECONDS = 2  # else each kill makes the next writer wait for 15
sys.path.insert(0, {tests!r})
import importlib.util
spec = importlib.util.spec_from_file_location("here", {file!r})
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
store = engine_of({url!r}).open_storage({url!r})
for number in range({first}, {first} + 1000):
    here.put(store, 2 * number, 2 * number + 1)
    print(number, flush=True)
"""


def test_a_writer_is_killed_again_and_again(url: str) -> None:
    """What was acknowledged is there, once, and what belongs to no image is not."""
    acknowledged: list[int] = []
    for kill in range(CLIENT_KILLS):
        first = max(acknowledged, default=-1) + 1
        code = WRITER.format(tests=str(Path(__file__).parents[2]), file=__file__, url=url, first=first)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(1 + kill % 3):
            acknowledged.append(int(process.stdout.readline()))
        time.sleep(kill * 0.004)  # at another step of the next transaction each time
        process.kill()
        acknowledged += [int(line) for line in process.communicate()[0].split()]
    with closing(opened(url)) as store:
        held = paths(store)
        assert len(held) == len(set(held))
        assert {f"/photos/{2 * n + half}.jpg" for n in acknowledged for half in (0, 1)} <= set(held)
        put(store, 2000)
        assert store.check() == "ok"
        ids, vectors = store.vectors("floats", dtype=np.float16)
        rows = store.rows(ids.tolist())
        assert len(ids) == store.count() == len(held) + 1
        assert [f"/photos/{int(vector[0])}.jpg" for vector in vectors] == [rows[one].path for one in ids.tolist()]


@pytest.fixture
def dying_milvus(request: pytest.FixtureRequest) -> Iterator[MilvusServer]:
    """A server that serves one gallery alone and comes back soon; where one alone can run, that of the other tests."""
    if not apart():
        yield request.getfixturevalue("milvus")
        return
    with running_milvus(SESSION_SECONDS) as server:
        yield server


def test_a_server_is_killed_under_a_writer(dying_milvus: MilvusServer) -> None:
    """The writer waits for it to come back, and goes on; what was acknowledged is there, once."""
    url = dying_milvus.url()
    engine_of(url).create_storage(url, NEW)
    acknowledged = written_meanwhile(f"{url}?timeout=150", partial(kill_again_and_again, dying_milvus))
    with closing(opened(url)) as store:
        held = paths(store)
        assert len(held) == len(set(held))
        assert {f"/photos/{number}.jpg" for number in acknowledged} <= set(held)
        assert store.check() == "ok"


def written_meanwhile(url: str, happens: Callable[[list[int]], None]) -> list[int]:
    """The images whose writing was acknowledged while something happens, which is given that list as it grows."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        with closing(opened(url)) as store:
            for number in count():
                if stop.is_set():
                    return
                with suppress(GalleryError):
                    put(store, number)
                    acknowledged.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        happens(acknowledged)
    finally:
        stop.set()
        writer.join()
    return acknowledged


def kill_again_and_again(server: MilvusServer, acknowledged: list[int]) -> None:
    """Whenever two more images were acknowledged; at another step of the next transaction each time."""
    for kill in range(SERVER_KILLS + 1):
        done, end = len(acknowledged), time.monotonic() + 150
        while len(acknowledged) < done + 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        if kill < SERVER_KILLS:
            time.sleep(kill * 0.01)
            server.kill()
            server.start()

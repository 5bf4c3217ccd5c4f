"""Describing on a Ray cluster: the same gallery as at home, even if a node is killed in the middle."""

from __future__ import annotations

import os
import pickle
import re
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lookalike.descriptors import get
from lookalike.errors import ClusterFailed, MissingDependency
from lookalike.gallery import Gallery
from lookalike.gallery.ingest.extract import ExtractionSpec, Job
from lookalike.gallery.ingest.listed import ListedFile
from lookalike.gallery.ingest.on_ray import ChunkDescriber
from samples import drawn, folder_of, save
from terminal import here, process

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "ray.md"
HELD = ("copy", "structure")
COUNT = 320
STORE_BYTES = 100 << 20  # of each node, for objects
LESS_CAREFUL = {"health_check_period_ms": 500, "health_check_failure_threshold": 3, "health_check_timeout_ms": 1000}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ray") / "photos"
    for number in range(COUNT):
        save(folder / f"{number:04}.jpg", drawn(number, 96, 72))
    return folder


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A node of one CPU, and two of two."""
    if "CI" not in os.environ:  # where it is to be there
        pytest.importorskip("ray", reason="needs Ray: pip install 'lookalike[ray]'")
    from ray.cluster_utils import Cluster

    given = {"object_store_memory": STORE_BYTES}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": LESS_CAREFUL, **given}
    running = Cluster(initialize_head=True, head_node_args=head)
    try:
        running.workers = [running.add_node(num_cpus=2, **given) for _ in range(2)]
        yield running
    finally:
        running.shutdown()


def vectors(gallery: Path) -> list[tuple[bytes, str, bytes]]:
    """All of them with path and descriptor, from the database itself."""
    sql = """SELECT p.path, d.name, v.vector FROM vectors v JOIN images p ON p.id = v.image_id
             JOIN descriptors d ON d.id = v.descriptor_id ORDER BY 1, 2"""
    with closing(sqlite3.connect(gallery / "gallery.sqlite")) as database:
        return database.execute(sql).fetchall()


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_node_that_is_killed_loses_and_doubles_nothing(cluster: Any, photos: Path, tmp_path: Path) -> None:
    """It goes while it describes; every image is there once, with the vectors that this process computes; a bad file is
    told, a copy is known, and said again nothing is described."""
    (photos / "bad.jpg").write_text("no image")
    killed: list[int] = []

    def kill(done: int, _: int) -> None:
        if not killed and done:
            killed.append(done)
            cluster.remove_node(cluster.workers[1], allow_graceful=False)

    with Gallery.create(tmp_path / "a", HELD) as gallery:
        report = gallery.add(photos, ray=cluster.address, progress=kill)
        assert (report.added, [Path(one.path).name for one in report.failed]) == (COUNT, ["bad.jpg"])
        assert 0 < killed[0] < COUNT
        assert len(gallery) == COUNT == len({row.path for row in gallery})
        shutil.copy(photos / "0001.jpg", photos / "copy.jpg")
        report = gallery.add(photos, ray=cluster.address)
        assert (report.added, report.unchanged, len(report.failed)) == (1, COUNT, 1)
    with Gallery.create(tmp_path / "b", HELD) as own:
        own.add(photos)
    assert vectors(tmp_path / "a") == vectors(tmp_path / "b")
    assert len(vectors(tmp_path / "a")) == 2 * (COUNT + 1)


@pytest.mark.full
def test_the_commands_of_the_guide(tmp_path: Path) -> None:
    """Those that need no cluster of others do what they say."""
    folder_of(tmp_path / "photos", 20)
    lines = re.findall(r"^lookalike (.+)$", GUIDE.read_text("utf-8"), re.MULTILINE)
    own = [line for line in lines if line.endswith("--ray")]
    assert len(own) >= 1
    for line in own:
        ran = process(*shlex.split(line), cwd=tmp_path)
        assert (ran.code, "20 added" in ran.out) == (0, True), ran


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_no_cluster(tmp_path: Path) -> None:
    """At once, with exit code 3, and how to start one."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'lookalike[ray]'")
    photos = folder_of(tmp_path / "photos", 1)
    ran = here("index", photos, "-g", tmp_path / "g", "--ray", "127.0.0.1:9", "--descriptors", "structure")
    assert (ran.code, "ray start --head" in ran.err) == (3, True)


def test_a_node_with_another_version_describes_nothing(tmp_path: Path) -> None:
    """Its vectors could not be compared; of the right version it gives what this process does."""
    path = save(tmp_path / "1.jpg", drawn(1))
    jobs = pickle.dumps([Job(ListedFile(str(path), path.stat().st_size, 1))])
    batch = {"number": [7], "jobs": [jobs]}
    spec = ExtractionSpec(("structure",))
    right = ChunkDescriber(spec, 10**6, {"structure": get("structure").card.fingerprint}, None)(batch)
    ((image,),) = map(pickle.loads, right["outcomes"])
    assert (right["number"], image.row.path, list(image.vectors)) == ([7], str(path), ["structure"])
    (wrong,) = map(pickle.loads, ChunkDescriber(spec, 10**6, {"structure": "another"}, None)(batch)["outcomes"])
    assert isinstance(wrong, ClusterFailed)
    assert "another version of 'structure'" in str(wrong)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what to install; where nothing is to be described, Ray is not even asked for."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with Gallery.create(tmp_path / "g", ["structure"]) as gallery:
        assert gallery.add(tmp_path / "none", ray="local").added == 0
        with pytest.raises(MissingDependency, match=r"lookalike\[ray\]"):
            gallery.add(folder_of(tmp_path / "photos", 1), ray="local")

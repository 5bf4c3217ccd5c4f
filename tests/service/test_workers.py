"""Worker processes: one that hangs or dies is replaced, and whoever asked is told."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from lookalike.errors import ImageMissing
from lookalike.gallery import Gallery
from lookalike.service import tasks
from lookalike.service.problems import Busy, TimedOut
from lookalike.service.settings import Settings
from lookalike.service.workers import Workers
from samples import folder_of
from served import serving


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = folder_of(tmp_path_factory.mktemp("workers") / "photos", 3)
    with Gallery.create(folder.parent / "g.gallery", descriptors=("structure",)) as opened:
        opened.add(folder)
    return folder.parent / "g.gallery"


def test_a_task_that_hangs_is_given_up_and_the_next_one_runs(gallery: Path):
    """TimedOut after the time limit, not after what the task wanted; then work as before. So if a process dies."""

    async def story() -> list[object]:
        workers = Workers(Settings(str(gallery), workers=1, timeout=1.0))
        outcomes: list[object] = []
        try:
            for task, value in ((time.sleep, 60), (os._exit, 9), (os.getpid, None)):
                began = time.monotonic()
                try:
                    outcomes.append(await workers.run(task, *(() if value is None else (value,))))
                except TimedOut as error:
                    outcomes.append(str(error))
                assert time.monotonic() - began < 50
        finally:
            await asyncio.to_thread(workers.stop)
        return outcomes

    hung, died, lives = asyncio.run(story())
    assert "1 seconds" in str(hung)
    assert "broke" in str(died)
    assert lives != os.getpid()


def test_an_error_of_the_library_crosses_over(gallery: Path):
    """What a task raises is raised where it was asked for, with its class and its words."""

    async def story() -> None:
        workers = Workers(Settings(str(gallery), workers=1))
        try:
            await workers.run(tasks.thumbnail, 99, 160)
        finally:
            await asyncio.to_thread(workers.stop)

    with pytest.raises(ImageMissing, match="99"):
        asyncio.run(story())


def test_no_more_wait_than_may(gallery: Path):
    """Busy at once for the one too many; those before it are served."""

    async def story() -> list[object]:
        workers = Workers(Settings(str(gallery), workers=1, waiting=2))
        try:
            return await asyncio.gather(*(workers.run(time.sleep, 0.2) for _ in range(5)), return_exceptions=True)
        finally:
            await asyncio.to_thread(workers.stop)

    outcomes = asyncio.run(story())
    assert [type(one) for one in outcomes] == [type(None)] * 3 + [Busy] * 2


@pytest.mark.kills
def test_a_killed_server_takes_its_workers_along(gallery: Path):
    """After kill -9 of the server nothing of it is left running, and the next server answers."""
    with serving(gallery) as served:
        children = _children(served.process.pid)
        assert children
        served.stop(signal.SIGKILL)
        _gone(children, seconds=60)
    with serving(gallery) as served:
        assert served.get("/v1/images").json()["total"] == 3


@pytest.mark.kills
def test_a_stopped_server_ends_in_order(gallery: Path):
    """SIGTERM, as by Ctrl-C: no worker is left, and an open stream of events does not hold it up."""
    for how in (signal.SIGTERM, signal.SIGINT):
        with serving(gallery) as served:
            children = _children(served.process.pid)
            began = time.monotonic()
            served.stop(how)
            assert time.monotonic() - began < 30
            _gone(children, seconds=5)  # multiprocessing's own helper ends once it hears that the server has
            assert "Traceback" not in served.log.read_text()


@pytest.mark.kills
def test_a_server_killed_while_indexing_loses_nothing(tmp_path: Path):
    """After kill -9 in the middle of a job the gallery is whole and holds what was committed; the next run finishes."""
    folder = folder_of(tmp_path / "photos", 3)
    with Gallery.create(tmp_path / "g.gallery", descriptors=("structure", "copy")) as opened:
        opened.add(folder)
    folder_of(folder, 500, first=3)
    with serving(tmp_path / "g.gallery") as served:
        job = served.post("/v1/index", json={}).json()
        until = time.monotonic() + 60
        while served.get(f"/v1/jobs/{job['id']}").json()["done"] < 300:
            assert time.monotonic() < until
            time.sleep(0.01)
        children = _children(served.process.pid)
        served.stop(signal.SIGKILL)
        while any(_alive(child) for child in children):
            assert time.monotonic() < until
            time.sleep(0.1)
    with Gallery.open(tmp_path / "g.gallery") as opened:
        assert opened._library.store.check() == "ok"
        before = len(opened)
        report = opened.add(folder)
        assert (len(opened), report.failed) == (503, ())
        assert report.added == 503 - before


def _children(pid: int) -> list[int]:
    """Every process that descends from this one."""
    found = [int(one) for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()]
    return found + [grandchild for child in found for grandchild in _children(child)]


def _gone(children: Sequence[int], seconds: float) -> None:
    """Wait until none of these processes is left; that must not take longer than this."""
    until = time.monotonic() + seconds
    while any(_alive(child) for child in children):
        assert time.monotonic() < until, children
        time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False

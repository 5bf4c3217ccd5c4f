"""Long work: each job is a process of its own, one at a time, which reports how far it is and can be cancelled.

Cancelled, it is interrupted as by Ctrl-C: what it did so far is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from lookalike.errors import LookalikeError
from lookalike.service.problems import NotThere, plain
from lookalike.types import to_json

JOBS_REMEMBERED = 100  # those that have ended among them
PROGRESS_SECONDS = 0.2  # between two reports of progress
INTERRUPT_SECONDS = 30.0  # seconds that an interrupted job has to end by itself
ENDED = ("done", "failed", "cancelled")

Work = Callable[..., Any]  # (progress, *arguments) -> result


@dataclass(frozen=True, slots=True)
class Job:
    """As ``GET /v1/jobs/{id}`` answers; ``value`` is what the work gave, for the server itself."""

    id: str
    kind: str
    state: str = "waiting"
    done: int = 0
    total: int = 0
    started: float | None = None
    ended: float | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    value: Any = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """What ``json.dumps`` takes; without the ``value``."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "value"}
        return dict(to_json(fields))


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class _Ending:
    """What becomes of a job's value: ``keep`` makes of it what the server keeps, ``summarize`` the job's result."""

    keep: Callable[[Any], Any]
    summarize: Callable[[Any], dict[str, Any]]


class Jobs:
    """The jobs of a server. Call everything from the event loop."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._process: Any = None
        self._running = ""
        self._one_at_a_time = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(
        self,
        kind: str,
        work: Work,
        *arguments: Any,
        keep: Callable[[Any], Any] = _unchanged,
        summarize: Callable[[Any], dict[str, Any]] = to_json,
    ) -> Job:
        """Put a job in the queue. ``keep``: what the server keeps of its value; ``summarize``: the result, of that."""
        job = Job(secrets.token_hex(8), kind)
        self._jobs[job.id] = job
        for old in [one.id for one in self._jobs.values() if one.state in ENDED][
            : max(0, len(self._jobs) - JOBS_REMEMBERED)
        ]:
            del self._jobs[old]
        task = asyncio.create_task(self._run(job.id, work, arguments, _Ending(keep, summarize)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def get(self, name: str) -> Job:
        """Raises NotThere."""
        if name not in self._jobs:
            raise NotThere(f"no job {plain(name)!r}")
        return self._jobs[name]

    def find(self, name: str) -> Job | None:
        """The job of this id, if it is remembered."""
        return self._jobs.get(name)

    def all(self) -> list[Job]:
        """The newest first."""
        return list(self._jobs.values())[::-1]

    async def cancel(self, name: str) -> Job:
        """Interrupt a job, or take it out of the queue."""
        job = self.get(name)
        if job.state == "waiting":
            await self._update(name, state="cancelled", ended=time.time())
        elif job.state == "running":
            await self._update(name, state="cancelled")
            self._interrupt()
        return self.get(name)

    async def watch(self, name: str, patience: float) -> AsyncGenerator[Job | None, None]:
        """The job now, and whenever it changes, until it has ended; None whenever nothing did for so many seconds."""
        seen: Job | None = None
        while seen is None or not _has_ended(seen):
            changed = await self._has_changed(name, seen, patience)
            if changed:
                seen = self.get(name)
            yield seen if changed else None

    async def _has_changed(self, name: str, seen: Job | None, patience: float) -> bool:
        """Wait until it is another one than was ``seen``, but no longer than this."""
        try:
            async with asyncio.timeout(patience), self._changed:
                return await self._changed.wait_for(lambda: self._jobs.get(name) is not seen)
        except TimeoutError:
            return False

    async def stop(self) -> None:
        """Interrupt what runs, drop what waits."""
        for job in self.all():
            await self.cancel(job.id)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=INTERRUPT_SECONDS)
        if self._process is not None:
            self._process.kill()

    async def _run(self, name: str, work: Work, arguments: Any, ending: _Ending) -> None:
        async with self._one_at_a_time:
            if self.get(name).state != "waiting":
                return
            await self._update(name, state="running", started=time.time())
            self._running = name
            try:
                await self._follow(name, work, arguments, ending)
            finally:
                self._running, self._process = "", None

    async def _follow(self, name: str, work: Work, arguments: Any, ending: _Ending) -> None:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(there, work, arguments), name=f"job {name}", daemon=True)
        self._process.start()
        there.close()
        try:
            while (message := await asyncio.to_thread(_received, here)) is not None:
                what, value = message
                if what == "progress":
                    await self._update(name, done=value[0], total=value[1])
                else:
                    await self._end(name, what, value, ending)
        finally:
            here.close()
        await asyncio.to_thread(self._process.join)
        if not _has_ended(self.get(name)):
            await self._end(name, "failed", "the process that did this job broke; try again", ending)

    async def _end(self, name: str, what: str, value: Any, ending: _Ending) -> None:
        now = time.time()
        if what == "done":
            kept = ending.keep(value)
            await self._update(name, state="done", ended=now, value=kept, result=ending.summarize(kept))
        elif self.get(name).state == "cancelled":
            await self._update(name, ended=now)
        else:
            await self._update(name, state="failed", ended=now, error=plain(value))

    async def _update(self, name: str, **changes: Any) -> None:
        self._jobs[name] = replace(self._jobs[name], **changes)
        async with self._changed:
            self._changed.notify_all()

    def _interrupt(self) -> None:
        process = self._process
        if process is not None and process.is_alive():
            os.kill(process.pid, signal.SIGINT)
            asyncio.get_running_loop().call_later(INTERRUPT_SECONDS, process.kill)


def _has_ended(job: Job) -> bool:
    return job.state in ENDED and job.ended is not None


def _received(pipe: Connection) -> Any:
    """The next message, or None if the process is gone."""
    with contextlib.suppress(EOFError, OSError):
        return pipe.recv()
    return None


def _work(pipe: Connection, work: Work, arguments: Any) -> None:
    """In the process of the job. If the server is gone, telling it fails, and the work ends as if interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reported = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal reported
        if time.monotonic() - reported > PROGRESS_SECONDS or done == total:
            reported = time.monotonic()
            pipe.send(("progress", (done, total)))

    try:
        pipe.send(("done", work(progress, *arguments)))
    except KeyboardInterrupt:
        pipe.send(("failed", "interrupted"))
    except (LookalikeError, OSError) as error:
        pipe.send(("failed", str(error)))

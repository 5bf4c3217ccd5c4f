"""What the routes share: the settings, the gallery, the workers, the jobs; and how they get it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from lookalike.service.gallery_thread import GalleryThread
from lookalike.service.jobs import Jobs
from lookalike.service.metrics import Metrics
from lookalike.service.problems import Refused
from lookalike.service.settings import Settings
from lookalike.service.workers import Workers


@dataclass(slots=True)
class Service:
    """One server. ``stopping``: whether the server is about to end. ``ready``: every worker has its
    networks and vectors."""

    settings: Settings
    gallery: GalleryThread
    workers: Workers
    jobs: Jobs
    metrics: Metrics = field(default_factory=Metrics)
    stopping: Callable[[], bool] = lambda: False
    ready: bool = False
    duplicates: dict[tuple[float, str, int], str] = field(default_factory=dict)  # what was asked -> its job

    async def warm(self) -> None:
        """Load everything that a first request would wait for."""
        await self.workers.warm()
        self.ready = True

    async def stop(self) -> None:
        """End what runs, and let go of the gallery."""
        await self.jobs.stop()
        await asyncio.to_thread(self.workers.stop)
        self.gallery.close()


def service_of(request: Request) -> Service:
    """The server that a request came to."""
    service: Service = request.app.state.service
    return service


def writable(request: Request) -> None:
    """Raises Refused if this server changes nothing."""
    if service_of(request).settings.read_only:
        raise Refused("this server is read-only")


Server = Annotated[Service, Depends(service_of)]
Writable = Depends(writable)

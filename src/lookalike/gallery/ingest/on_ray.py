"""Describes files on a Ray cluster: Ray Data hands chunks of them to a pool of actors, each with the networks loaded.

Only the driver writes to the gallery. A chunk that runs twice, because a node died with it, counts once, and one that
is missing in the end is an error: what was described until then is kept, and the next run goes on.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lookalike.descriptors import get
from lookalike.descriptors.neural.model_store import VARIABLE
from lookalike.errors import ClusterFailed, LookalikeError, MissingDependency
from lookalike.formatting import plural
from lookalike.gallery.ingest.extract import ExtractionSpec, Job, Outcome, chunks, read_chunk

LOCAL = "local"  # in place of an address: the cluster that this machine belongs to, or one of this machine alone
MAX_BLOCKS = 2_000  # tasks that Ray plans with; each is some chunks of files
CONNECT_SECONDS = 10
FREE_CPUS = 1  # without an actor, for what else Ray does: with none, nothing is handed out


class ChunkDescriber:
    """Runs on a node, in a process of its own. Its files must be read from there by the same paths."""

    def __init__(self, spec: ExtractionSpec, max_pixels: int, versions: Mapping[str, str], models: str | None) -> None:
        """``versions``: descriptor -> the fingerprint that its vectors must have. ``models``: the driver's folder of
        models, if it names one."""
        if models is not None:
            os.environ[VARIABLE] = models
        self._spec, self._max_pixels, self._versions = spec, max_pixels, versions

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Numbers of chunks, and their jobs -> the same numbers, and their outcomes, or the error of the whole run."""
        return {"number": list(batch["number"]), "outcomes": [self._described(jobs) for jobs in batch["jobs"]]}

    def _described(self, jobs: bytes) -> bytes:
        try:
            self._refuse_other_versions()
            return pickle.dumps(read_chunk(pickle.loads(jobs), self._spec, self._max_pixels))
        except LookalikeError as error:
            return pickle.dumps(ClusterFailed(f"{os.uname().nodename}: {error}"))

    def _refuse_other_versions(self) -> None:
        for name, fingerprint in self._versions.items():
            if get(name).card.fingerprint != fingerprint:
                raise ClusterFailed(f"has another version of {name!r}; install the driver's on every node")


def read_all_on_ray(jobs: Iterable[Job], spec: ExtractionSpec, max_pixels: int, address: str) -> Iterator[Outcome]:
    """One outcome per job, in any order. ``address``: of a cluster, or LOCAL. Raises MissingDependency, ClusterFailed,
    ModelError."""
    listed = list(chunks(jobs))
    if not listed:
        return
    versions = {name: get(name).card.fingerprint for name in (*spec.names, *spec.regions)}
    given = (spec, max_pixels, versions, os.environ.get(VARIABLE))
    with _cluster(address) as ray:
        missing = set(range(len(listed)))
        for number, outcomes in _described(ray, listed, given):
            if number in missing:
                missing.discard(number)
                yield from outcomes
        if missing:
            lost = sum(len(listed[number]) for number in missing)
            raise ClusterFailed(f"{plural(lost, 'file')} came back from no node; index once more")


def _described(
    ray: Any, listed: Sequence[Sequence[Job]], given: tuple[Any, ...]
) -> Iterator[tuple[int, list[Outcome]]]:
    """Number of a chunk, and what became of it, as they come; a number may come twice."""
    actors = int(ray.cluster_resources().get("CPU", 0)) - FREE_CPUS
    if actors < 1:
        raise ClusterFailed("the Ray cluster has a single CPU, and one must be free of actors; give it another")
    items = [{"number": number, "jobs": pickle.dumps(chunk)} for number, chunk in enumerate(listed)]
    dataset = ray.data.from_items(items, override_num_blocks=min(len(items), MAX_BLOCKS)).map_batches(
        ChunkDescriber, fn_constructor_args=given, batch_size=1, num_cpus=1, concurrency=min(actors, len(items))
    )
    try:
        for batch in dataset.iter_batches(batch_size=None):
            for number, packed in zip(batch["number"], batch["outcomes"], strict=True):
                outcomes = pickle.loads(packed)
                if isinstance(outcomes, LookalikeError):
                    raise outcomes
                yield int(number), outcomes
    except ray.exceptions.RayError as error:
        raise ClusterFailed(f"the Ray cluster failed: {_first_line(error)}; what was described is kept") from error


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Ray, connected; of a program that is connected already, as it is."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingDependency(f"{error.name} is not installed; pip install 'lookalike[ray]'") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    if ray.is_initialized():
        yield ray
        return
    _refuse_silence(address)
    try:
        ray.init(
            address=None if address == LOCAL else address, log_to_driver=False, logging_level=logging.ERROR,
            include_dashboard=None if address != LOCAL else False,
        )  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise ClusterFailed(_no_cluster(address, error)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Ray itself waits for minutes where nobody listens. Raises ClusterFailed."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ClusterFailed(_no_cluster(address, error)) from error


def _no_cluster(address: str, error: BaseException) -> str:
    return f"{address}: no Ray cluster answers ({_first_line(error)}); start one with: ray start --head"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

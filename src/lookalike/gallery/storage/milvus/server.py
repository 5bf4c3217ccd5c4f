"""The connection to Milvus: every call has a deadline, waits for a server that starts, and fails in plain words.

Whatever is asked here may be asked twice: writes are by key (upsert, delete), and a rename that was done already is
told from one that was not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import grpc
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from lookalike.errors import GalleryError, GalleryUnreachable
from lookalike.gallery.storage.milvus.address import Address

Document = dict[str, Any]  # field -> value

_RPC_SECONDS = 20.0  # of one attempt
_CONNECT_SECONDS = 5.0
_PAUSE_SECONDS = 0.25
_UPSERTED = 4_000_000  # bytes of one request, at most about so many
_ROWS = 2_000  # of one request
_MEMBERS = 4_000  # keys in one expression
_PHYSICAL = 18  # bits of a timestamp below its milliseconds

# What Milvus says while it starts, loads or moves a collection, and when it has just gone away.
_PASSING = (
    *("not loaded", "not fully loaded", "no available", "not available", "unavailable", "not ready", "not healthy"),
    *("deadline exceeded", "connection refused", "connect failed", "fail connecting", "connection reset", "closed"),
    *("channel not", "shard leader", "delegator", "node not", "not serve", "abnormal", "retry", "timeout", "timed out"),
    *("socket", "eof", "lost", "failed to connect", "node offline", "service", "segment"),
)
_REFUSED = ("auth", "permission", "credential", "password", "privilege")
_QUIET = ("pymilvus", "pymilvus.decorators", "grpc")  # log what is raised anyway

Answer = TypeVar("Answer")


class Server:
    """A client of one server, for one gallery."""

    def __init__(self, where: Address) -> None:
        """Raises GalleryUnreachable where none answers, or does not let us in."""
        self.where = where
        self.breaks = 0  # how often it did not answer at once: it may have been started again
        self._seconds = min(where.timeout, _RPC_SECONDS)
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = MilvusClient(
                where.uri, user=where.user, password=where.password, timeout=min(where.timeout, _CONNECT_SECONDS)
            )
        except (MilvusException, grpc.RpcError, OSError) as error:
            raise self._refused(error, "none answers there") from error

    def close(self) -> None:
        """Let go of it."""
        self._client.close()

    # --- names of collections: changed at once and for everybody

    def collections(self) -> list[str]:
        """The names of all collections."""
        return list(self._asked(lambda: self._client.list_collections(timeout=self._seconds)))

    def has(self, name: str) -> bool:
        """Whether there is a collection of this name."""
        return bool(self._asked(lambda: self._client.has_collection(name, timeout=self._seconds)))

    def rename(self, old: str, new: str) -> bool:
        """Whether the collection was called ``old`` and is called ``new`` now: of several who try, one succeeds. Nobody
        else may choose the same new name."""

        def attempt() -> bool:
            try:
                self._client.rename_collection(old, new, timeout=self._seconds)
            except (MilvusException, grpc.RpcError):
                if self._client.has_collection(old, timeout=self._seconds):
                    raise
                return bool(self._client.has_collection(new, timeout=self._seconds))
            return True

        return self._asked(attempt)

    def make(self, name: str, schema: Any, index: Any) -> None:
        """A collection, indexed and loaded, unless it is there."""

        def attempt() -> None:
            if not self._client.has_collection(name, timeout=self._seconds):
                self._client.create_collection(name, schema=schema, timeout=self._seconds)
            if index is not None:
                self._client.create_index(name, index, timeout=self._seconds)
                self._client.load_collection(name, timeout=self._seconds)

        self._asked(attempt)

    def load(self, name: str) -> None:
        """Have a collection in memory, where it can be asked."""

        def attempt() -> None:
            if "Loaded" not in str(self._client.get_load_state(name, timeout=self._seconds)["state"]):
                self._client.load_collection(name, timeout=self._seconds)

        self._asked(attempt)

    def drop(self, name: str) -> None:
        """There is no such collection from now on."""
        self._asked(lambda: self._client.drop_collection(name, timeout=self._seconds))

    # --- documents

    def now(self) -> int:
        """The cluster's own clock: what is written before has a smaller timestamp, whoever wrote it."""
        return int(self._asked(lambda: self._client._get_connection().alloc_timestamp(timeout=self._seconds)))

    def milliseconds(self) -> int:
        """The same clock, for deadlines that several machines keep."""
        return self.now() >> _PHYSICAL

    def query(self, name: str, condition: str, fields: Sequence[str], since: int) -> list[Document]:
        """The documents for which a condition holds, with everything that was written until the timestamp ``since``."""
        return list(
            self._asked(
                lambda: self._client.query(
                    name,
                    filter=condition,
                    output_fields=list(fields),
                    consistency_level="Customized",
                    guarantee_timestamp=since,
                    timeout=self._seconds,
                )
            )
        )

    def search(
        self, name: str, queries: Sequence[Any], k: int, condition: str, params: Mapping[str, Any], since: int
    ) -> list[list[tuple[int, float]]]:
        """For each query, (id, distance as the index gives it) of the k nearest for which a condition holds."""
        found = self._asked(
            lambda: self._client.search(
                name,
                data=list(queries),
                limit=k,
                filter=condition,
                search_params={"params": dict(params)},
                consistency_level="Customized",
                guarantee_timestamp=since,
                timeout=self._seconds,
            )
        )
        return [[(hit["id"], hit["distance"]) for hit in hits] for hits in found]

    def upsert(self, name: str, documents: Iterable[Document]) -> None:
        """Write documents in the place of those with their keys."""
        for batch in _batches(documents):
            self._asked(partial(self._client.upsert, name, batch, timeout=self._seconds))

    def delete(self, name: str, keys: Sequence[int] | Sequence[str]) -> None:
        """Forget the documents of these keys."""
        for start in range(0, len(keys), _MEMBERS):
            part = list(keys[start : start + _MEMBERS])
            self._asked(partial(self._client.delete, name, ids=part, timeout=self._seconds))

    def rows(self, name: str) -> int:
        """How many documents the segments of a collection hold."""
        found = self._asked(lambda: self._client.get_collection_stats(name, timeout=self._seconds))
        return int(found["row_count"])

    def flush(self, name: str) -> None:
        """Have what was written in indexed segments."""
        self._asked(lambda: self._client.flush(name, timeout=self._seconds))

    def compact(self, name: str) -> None:
        """Write segments anew without what was deleted."""
        self._asked(lambda: self._client.compact(name, timeout=self._seconds))

    def _asked(self, attempt: Callable[[], Answer]) -> Answer:
        """An answer within the deadline: what passes is waited for."""
        end = time.monotonic() + self.where.timeout
        while True:
            try:
                return attempt()
            except (MilvusException, grpc.RpcError) as error:
                if not _passes(error):
                    raise self._translated(error) from error
                self.breaks += 1
                if time.monotonic() > end:
                    raise self._refused(error, f"none answers within {self.where.timeout:g} seconds") from error
            time.sleep(_PAUSE_SECONDS)

    def _translated(self, error: Exception) -> GalleryError:
        if _says(error, _REFUSED):
            return self._refused(error, "")
        return GalleryError(f"{self.where.shown}: Milvus: {error}")

    def _refused(self, error: Exception, why: str) -> GalleryUnreachable:
        host, port, gallery = self.where.host, self.where.port, self.where.gallery
        if _says(error, _REFUSED):
            return GalleryUnreachable(
                f"{self.where.shown}: Milvus does not let us in: wrong user or password; they stand in the URL: "
                f"milvus://user:password@{host}:{port}/{gallery}"
            )
        return GalleryUnreachable(
            f"{self.where.shown}: no Milvus server: {why}; whatever was committed is kept. Start it, or start one here "
            f"with: pip install milvus && milvus-server --proxy-port {port}"
        )


def _says(error: Exception, words: Iterable[str]) -> bool:
    text = str(error).lower()
    return any(word in text for word in words)


def _passes(error: Exception) -> bool:
    return _says(error, _PASSING) and not _says(error, _REFUSED)


def _batches(documents: Iterable[Document]) -> Iterable[list[Document]]:
    """So many at a time as one request may hold."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        weight = sum(
            len(value) * (1 if isinstance(value, str | bytes) else 4) for value in map(_sized, document.values())
        )
        if batch and (size + weight > _UPSERTED or len(batch) == _ROWS):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += weight
    if batch:
        yield batch


def _sized(value: Any) -> Any:
    return value if hasattr(value, "__len__") else b"12345678"

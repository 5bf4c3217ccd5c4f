"""What a search costs beyond the engine that keeps the gallery: the same query sent to the engine directly, in turn.

Each engine is a class below. Its server is started for the run, from the wheel that the tests take it from (the
dependency group `servers`)."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import ROOT, SEED, Options, ratios, run, seconds, spread, table
from benchmarks.synthetic import BLOCK, block, described, fill, near, number_of, register_float, searched
from lookalike.descriptors import get
from lookalike.descriptors.fusion import Blend
from lookalike.distance import METRICS
from lookalike.gallery import Gallery

sys.path.append(str(ROOT / "tests"))  # the servers

TITLE = "Engines: through the gallery, and asked directly"
FLOATS, BITS = "float256", "structure"  # 256 numbers, cosine; 256 bits, Hamming
K = 10
ROUNDS = 5
COLUMNS = (
    *("engine", "vectors", "filter", "directly, ms", "gallery, ms", "gallery / directly", "recall@10"),
    *("bytes a row", "fill, rows/s"),
)

Ask = Callable[[NDArray[Any]], list[int]]  # a query (D,) -> numbers of the nearest images, nearest first


class Engine(Protocol):
    """``running``: the URL of a gallery that is not there yet, while its server runs. ``direct``: how a program of its
    own would ask the engine for paths and distances, over another connection; ``few``: only among so many."""

    name: str

    def running(self) -> AbstractContextManager[str]: ...

    def direct(self, url: str, descriptor: str, few: int | None) -> AbstractContextManager[Ask]: ...


class PostgreSQL:
    """With pgvector, asked by psycopg."""

    name = "PostgreSQL"

    @contextmanager
    def running(self) -> Iterator[str]:
        from postgres_server import running_postgres

        with running_postgres() as server:
            yield server.url("bench")

    @contextmanager
    def direct(self, url: str, descriptor: str, few: int | None) -> Iterator[Ask]:
        import psycopg

        from lookalike.gallery.storage.postgres.address import Address
        from lookalike.gallery.storage.postgres.index import HNSW_SEARCH, VectorTable

        card, address = get(descriptor).card, Address.of(url)
        one = VectorTable(1, card.metric, card.dim, card.min_contrast)
        kind = "bit" if card.metric == "hamming" else "halfvec"
        among = "" if few is None else f"AND p.bytes < {200_000 + few}"
        sql = f"""SELECT p.path, v.vector {one.operator} %s::{kind}({card.dim}) FROM {one.name} v JOIN images p
                  ON p.id = v.image_id WHERE v.{one.telling} {among} ORDER BY 2 LIMIT {K}"""  # noqa: S608  our own
        with psycopg.connect(address.server, autocommit=True) as connection:
            connection.execute(f'SET search_path = "{address.schema}", public')
            connection.execute(f"SET hnsw.ef_search = {HNSW_SEARCH}")
            connection.execute("SET hnsw.iterative_scan = strict_order")

            def ask(query: NDArray[Any]) -> list[int]:
                bits = "".join(map(str, np.unpackbits(query))) if card.metric == "hamming" else str(query.tolist())
                found = connection.execute(sql, (bits,), prepare=True, binary=True).fetchall()
                return [number_of(path.decode()) for path, _ in found]

            yield ask


class Milvus:
    """Asked by its own client: the nearest ids, and then their paths. A filter speaks of another collection than the
    vectors', so its ids are asked for first."""

    name = "Milvus"

    @contextmanager
    def running(self) -> Iterator[str]:
        from milvus_server import running_milvus

        with running_milvus() as server:
            yield server.url("bench")

    @contextmanager
    def direct(self, url: str, descriptor: str, few: int | None) -> Iterator[Ask]:
        from pymilvus import MilvusClient

        from lookalike.gallery.storage.milvus.address import address
        from lookalike.gallery.storage.milvus.collections import images_of, vectors_of
        from lookalike.gallery.storage.milvus.index import CANDIDATES

        card, place = get(descriptor).card, address(url)
        client, images = MilvusClient(place.uri), images_of(place.gallery)
        options = {} if card.metric == "hamming" else {"ef": CANDIDATES}

        def ask(query: NDArray[Any]) -> list[int]:
            among = ""
            if few is not None:
                left = client.query(images, filter=f"bytes < {200_000 + few}", output_fields=["id"])
                among = f"id in {[one['id'] for one in left]}"
            hits = client.search(
                vectors_of(place.gallery, 1),
                data=[query.tobytes() if card.metric == "hamming" else query.astype(np.float32)],
                limit=K,
                filter=among,
                search_params={"params": options},
            )[0]
            ids = [hit["id"] for hit in hits]
            paths = client.query(images, filter=f"id in {ids}", output_fields=["id", "path"])
            named = {one["id"]: number_of(one["path"]) for one in paths}
            return [named[number] for number in ids]

        try:
            yield ask
        finally:
            client.close()


ENGINES: tuple[Engine, ...] = (PostgreSQL(), Milvus())


def measure(options: Options) -> str:
    register_float(FLOATS, 256)
    count, queries = options.size(20_000, 300), options.size(100, 5)
    rows = [row for engine in ENGINES for name in (FLOATS, BITS) for row in _of(engine, name, count, queries)]
    return "\n\n".join(
        [
            f"{count:,} vectors in families, one client on the server's machine; {ROUNDS} rounds of {queries} single "
            f"queries, k = {K}, both sides in turn query by query. Directly: paths and distances of the nearest, by "
            "one prepared question. The filter leaves one image in a hundred. Recall is of the gallery, against the "
            "exact answer. Milvus keeps filters and vectors in two collections, so that directly as well it is asked "
            "twice, with a filter three times.",
            table(COLUMNS, rows),
        ]
    )


def _of(engine: Engine, name: str, count: int, queries: int) -> Iterator[tuple[object, ...]]:
    """A row without a filter, and one with."""
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-"), engine.running() as url:
        started = time.perf_counter()
        Gallery.create(url, [name]).close()
        with Gallery.open(url) as gallery:  # closed, for then it is made quick to search
            fill(gallery, 0, count, lambda first, size: {name: block(name, first, size)})
        filled = count / (time.perf_counter() - started)
        asked = _queries(name, count, queries)
        with Gallery.open(url) as gallery:
            size = gallery._library.store.disk_bytes() / count
            for few in (None, max(count // 100, K)):
                with engine.direct(url, name, few) as direct:
                    yield (
                        *(engine.name, "256 bits" if name == BITS else "256 floats", f"{few:,}" if few else "none"),
                        *_times(direct, _through(gallery, name, few), asked),
                        *(_recall(gallery, name, few, asked), f"{size:,.0f}", f"{filled:,.0f}"),
                    )


def _queries(name: str, count: int, queries: int) -> NDArray[Any]:
    """(Q, D): vectors of the gallery, spread over it, a little changed."""
    rng = np.random.default_rng(SEED)
    firsts = [int(number) * BLOCK for number in rng.integers(0, max(1, count // BLOCK), queries)]
    size = min(BLOCK, count)
    return near(name, np.stack([block(name, first, size)[rng.integers(size)] for first in firsts]), rng)


def _through(gallery: Gallery, name: str, few: int | None) -> Ask:
    """As Gallery.search does from where the query has been described."""
    blend = Blend({name: 1.0})
    where = None if few is None else f"bytes < {200_000 + few}"

    def ask(query: NDArray[Any]) -> list[int]:
        return [number_of(hit.path) for hit in searched(gallery, {name: described(query[None])}, blend, K, where)]

    return ask


def _times(direct: Ask, ours: Ask, queries: NDArray[Any]) -> tuple[str, str, str]:
    """Milliseconds of each side, and their ratio."""
    for query in queries[:20]:  # warm
        both = direct(query), ours(query)
        assert len(set(both[0]) & set(both[1])) >= K // 2  # the rest may tie
    each: dict[str, list[float]] = {"direct": [], "ours": []}
    for _ in range(ROUNDS):
        total = {"direct": 0.0, "ours": 0.0}
        for query in queries:
            for side, ask in (("direct", direct), ("ours", ours)):
                total[side] += seconds(lambda ask=ask, query=query: ask(query))
        for side, spent in total.items():
            each[side].append(1000 * spent / len(queries))
    return spread(each["direct"], 2), spread(each["ours"], 2), spread(ratios(each["ours"], each["direct"]))


def _recall(gallery: Gallery, name: str, few: int | None, queries: NDArray[Any]) -> str:
    """Share of the exact K nearest that the gallery finds."""
    held = gallery._library.store.count()
    count = held if few is None else few
    blocks = [block(name, first, min(BLOCK, held)) for first in range(0, count, BLOCK)]
    ours = _through(gallery, name, few)
    shares = []
    for query in queries:
        distances = np.concatenate([METRICS[get(name).card.metric](query[None], part)[0] for part in blocks])[:count]
        found = ours(query)
        farthest = np.sort(distances)[K - 1]
        shares.append(np.mean(distances[found] <= farthest + 1e-3) * len(found) / K)
    return f"{np.mean(shares):.3f}"


if __name__ == "__main__":
    run(TITLE, measure)

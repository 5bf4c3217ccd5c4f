"""The collections of a gallery on Milvus: what their fields are, how they are indexed.

==================== ========================================================================================
name                 a document is
==================== ========================================================================================
``NAME__images``     an image: its row, with the fields that filters speak of in columns of their own
``NAME__records``    anything else (records.py): a label, a person, an item, packed regions, frames, sound ...
``NAME__v<number>``  the vector of an image, by the descriptor of this number
``NAME__state_...``  none; its name is the state (state.py)
==================== ========================================================================================

Milvus 2.3 has one vector in each document, and wants one: images and records have one of two zeros.
"""

from __future__ import annotations

from typing import Any

from pymilvus import DataType, MilvusClient

from lookalike.gallery.storage.milvus.expressions import NUMBERS, TEXTS
from lookalike.gallery.storage.milvus.server import Server

NOTHING = (0.0, 0.0)  # the vector of what has none
PIECE = 60_000  # characters of a text field, of 65,535 bytes that are possible
HNSW_LINKS = 32
HNSW_BUILD = 80  # candidates looked at when a vector is linked

_METRICS = {"hamming": "HAMMING", "cosine": "COSINE", "euclidean": "L2"}
_LONGEST = 65_535


def images_of(gallery: str) -> str:
    """The collection of images."""
    return f"{gallery}__images"


def records_of(gallery: str) -> str:
    """The collection of everything that is no row and no vector."""
    return f"{gallery}__records"


def vectors_of(gallery: str, number: int) -> str:
    """The collection of the vectors of a descriptor."""
    return f"{gallery}__v{number}"


def make_images(server: Server) -> None:
    """``path_key``, ``name_key``: digests of the path and of its composed form, which are looked up."""
    schema = _schema(DataType.INT64)
    for name in ("path_key", "name_key", "sha256"):
        schema.add_field(name, DataType.VARCHAR, max_length=128)
    for name in TEXTS:
        schema.add_field(name, DataType.VARCHAR, max_length=_LONGEST)
    for name in NUMBERS:
        schema.add_field(name, DataType.DOUBLE)
    schema.add_field("data", DataType.VARCHAR, max_length=_LONGEST)
    server.make(images_of(server.where.gallery), _without_vector(schema), _flat())


def make_records(server: Server) -> None:
    """``kind``: what it is; ``image``: whose it is, 0 for nobody's; the rest as the kind wants it, see records.py."""
    schema = _schema(DataType.VARCHAR)
    schema.add_field("kind", DataType.VARCHAR, max_length=64)
    schema.add_field("image", DataType.INT64)
    schema.add_field("seq", DataType.INT64)
    schema.add_field("owner", DataType.VARCHAR, max_length=1024)
    schema.add_field("name", DataType.VARCHAR, max_length=_LONGEST)
    schema.add_field("pieces", DataType.INT64)
    schema.add_field("data", DataType.VARCHAR, max_length=_LONGEST)
    server.make(records_of(server.where.gallery), _without_vector(schema), _flat())


def make_vectors(server: Server, number: int, metric: str, dim: int) -> None:
    """Bits are compared with all others, numbers through a graph; both exactly as long as a segment is small or new."""
    schema = _schema(DataType.INT64)
    schema.add_field("contrast", DataType.DOUBLE)
    schema.add_field("classes", DataType.VARCHAR, max_length=_LONGEST)
    bits = metric == "hamming"
    schema.add_field("vector", DataType.BINARY_VECTOR if bits else DataType.FLOAT_VECTOR, dim=dim)
    index = MilvusClient.prepare_index_params()
    params = {} if bits else {"M": HNSW_LINKS, "efConstruction": HNSW_BUILD}
    kind = "BIN_FLAT" if bits else "HNSW"
    index.add_index("vector", index_type=kind, metric_type=_METRICS[metric], params=params)
    server.make(vectors_of(server.where.gallery, number), schema, index)


def make_state(server: Server, name: str) -> None:
    """The collection whose name is the state."""
    server.make(name, _without_vector(_schema(DataType.INT64)), None)


def _schema(key: Any) -> Any:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    if key == DataType.VARCHAR:
        schema.add_field("id", key, is_primary=True, max_length=1024)
    else:
        schema.add_field("id", key, is_primary=True)
    return schema


def _without_vector(schema: Any) -> Any:
    schema.add_field("nothing", DataType.FLOAT_VECTOR, dim=len(NOTHING))
    return schema


def _flat() -> Any:
    index = MilvusClient.prepare_index_params()
    index.add_index("nothing", index_type="FLAT", metric_type="L2", params={})
    return index

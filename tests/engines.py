"""The engines that keep galleries, for tests that run over each of them: one line per engine.

Each names a place, its folder or URL, at which no gallery is yet. Those that need a server are marked ``full``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from milvus_server import MilvusServer

NewPlace = Callable[[pytest.FixtureRequest], str]


def _folder(request: pytest.FixtureRequest) -> str:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    return str(tmp_path / "g.gallery")


def _milvus(request: pytest.FixtureRequest) -> str:
    server: MilvusServer = request.getfixturevalue("milvus")
    return server.url()


ENGINES = [
    pytest.param(_folder, id="sqlite"),
    pytest.param(_milvus, id="milvus", marks=pytest.mark.full),
]

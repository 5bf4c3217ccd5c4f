"""What all tests share: which of them are slow, and of what kind, and the corpora that are indexed once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from corpora import Corpora
from milvus_server import MilvusServer, running_milvus
from postgres_server import PostgresServer, running_postgres

ROOT = Path(__file__).parent
KINDS = {  # what the tests of a folder or a file are; single tests carry their marker themselves
    "cli/test_calibrate.py": "slow",
    "cli/test_compare_explain.py": "slow",
    "cli/test_outsider.py": "slow",
    "cli/test_train.py": "training",
    "cli/test_train_own.py": "training full",
    "comparison/test_pair.py": "slow",
    "gallery/calibration": "slow",
    "gallery/search/test_reranking.py": "slow",
    "gallery/search/test_verified_search.py": "slow",
    "recipes": "training full",
    "service": "server",
    "test_benchmarks.py": "slow",
    "test_demo.py": "slow",
    "training": "training",
    "training/tasks/test_adapt_copy.py": "full",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test below a place of KINDS its marker. The examples of the docs begin, for they take longest."""
    items.sort(key=lambda item: item.path.name != "test_docs.py")
    for item in items:
        for kind in kinds_of(item.path):
            item.add_marker(kind)


@cache
def kinds_of(file: Path) -> list[str]:
    """The markers of all tests in a file."""
    return [kind for place, kinds in KINDS.items() if file.is_relative_to(ROOT / place) for kind in kinds.split()]


@pytest.fixture(scope="session", autouse=True)
def journals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What tests do to files is written into a journal of theirs, not into the user's."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder / "lookalike" / "journal"


@pytest.fixture(scope="session")
def milvus() -> Iterator[MilvusServer]:
    """A Milvus server; each test uses galleries of its own."""
    with running_milvus() as server:
        yield server


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Corpora:
    """Images that are indexed once; the workers of a run share them."""
    own = tmp_path_factory.getbasetemp()
    return Corpora((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "corpora")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for the session; each test names galleries of its own."""
    with running_postgres() as server:
        yield server

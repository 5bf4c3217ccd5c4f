"""What nobody should send: broken images and random requests. Each gets its clear error, never a 5xx."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from images import FORMATS, bombs, encode
from lookalike.gallery import Gallery
from samples import drawn, folder_of
from served import Served, serving

EXAMPLES = 8  # per operation; benchmarks/service_fuzz.py makes 20,000 requests


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = folder_of(tmp_path_factory.mktemp("hostile") / "photos", 5)
    with Gallery.create(folder.parent / "g.gallery") as opened:
        opened.add(folder)
    env = {"XDG_DATA_HOME": str(folder.parent / "data")}
    with serving(folder.parent / "g.gallery", "--uploads", folder.parent / "up", env=env) as served:
        yield served


def hostile() -> Iterator[bytes]:
    """Empty, text, bombs, and of every format: cut short in three places, and scribbled over."""
    yield from (b"", b"GET / HTTP/1.1", b"\x00" * 1000, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    yield from bombs().values()
    rng = np.random.default_rng(5)
    for fmt in FORMATS:
        whole = encode(drawn(3, 64, 48), fmt)
        yield from (whole[: len(whole) * share // 10] for share in (1, 5, 9))
        scribbled = bytearray(whole)
        for place in rng.integers(0, len(whole), 30):
            scribbled[place] = rng.integers(256)
        yield bytes(scribbled)


def test_a_hostile_upload_is_an_error_and_no_more(server: Served):
    """Searched for, compared, or to be kept: 200 for what can still be read, 413 or 422 and words for the rest."""
    statuses = []
    for data in hostile():
        for path, name, form in (
            ("/v1/search", "image", {"k": 1, "rerank": 0}),
            ("/v1/compare", "a", {"b_id": 1}),
            ("/v1/images", "image", {}),
        ):
            answer = server.post(path, files={name: ("a.jpg", data)}, data=form)
            statuses.append(answer.status_code)
            assert answer.status_code in (200, 201, 413, 422), (path, data[:40], answer.text)
            assert answer.status_code < 300 or answer.json()["detail"]
    assert {413, 422} <= set(statuses)
    assert server.search(id=1, k=1, rerank=0)["hits"][0]["relation"] == "identical"


@pytest.mark.full
def test_random_requests_get_answers_that_fit_the_document(server: Served, tmp_path: Path):
    """Schemathesis makes requests from the OpenAPI document, right and wrong ones: no 5xx, and what comes back has the
    status, type and schema that the document says."""
    checks = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance"
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis", "run", f"{server.url}/openapi.json", "--checks", checks,
            "--max-examples", str(EXAMPLES), "--phases", "examples,fuzzing", "--exclude-path-regex", "events",
            "--suppress-health-check", "all", "--generation-database", "none", "--seed", "1", "--no-color",
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path,  # where it keeps a cache of its own
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    assert server.get("/healthz").status_code == 200

"""docs/how-to/service.md: its examples run against a real server. tests/test_reference.py looks for every route."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from samples import drawn, folder_of, save
from served import Served, serving

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "service.md"
HERE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """photos/ with copies in it, and query.jpg beside."""
    photos = folder_of(tmp_path_factory.mktemp("document") / "photos", 12)
    for number in range(4):
        save(photos / f"again-{number}.jpg", drawn(number), quality=60)
    save(photos.parent / "query.jpg", drawn(5, 480, 360))
    with Gallery.create(photos.parent / "photos.gallery") as opened:
        opened.add(photos)
    with serving(photos.parent / "photos.gallery") as served:
        yield served


def blocks(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return "\n".join(found)


def test_the_python_example_runs(server: Served):
    """From top to bottom, and it leaves a word on one pair."""
    code = blocks("python").replace(HERE, server.url)
    folder = server.log.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) >= 1
    assert server.get("/v1/gallery").json()["verdicts"] == 1


@pytest.mark.skipif(not shutil.which("curl") and os.environ.get("CI") != "true", reason="no curl here")
def test_the_curl_examples_run(server: Served):
    """Each is answered, and none with an error."""
    lines = [line for line in blocks("sh").splitlines() if line.startswith("curl ")]
    assert len(lines) >= 6
    for line in lines:
        command = line.replace("curl ", "curl --fail-with-body ", 1).replace(HERE, server.url)
        done = subprocess.run(
            ["bash", "-c", command], cwd=server.log.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert (server.log.parent / "small.webp").read_bytes()[8:12] == b"WEBP"


def test_docs_show_the_api_from_this_server_alone(server: Served):
    """Every path, schema and field; no script, and nothing that another host would have to send."""
    answer = server.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    document = server.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"<code>{method.upper()}</code> {path}<" in answer.text
            assert f'id="{operation["operationId"]}"' in answer.text
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema:
            assert f'id="schema-{name}"' in answer.text
            assert all(f"<code>{field}</code>" in answer.text for field in schema["properties"])
    assert "<script" not in answer.text
    assert re.findall(r"""(?:src|href)=["'](?!#)([^"']*)""", answer.text) == [
        "data:,",
        "/docs/style.css",
        "/openapi.json",
    ]
    links = set(re.findall(r'href="#([^"]*)"', answer.text))
    assert links <= set(re.findall(r'id="([^"]*)"', answer.text))
    style = server.get("/docs/style.css")
    assert (style.status_code, style.headers["content-type"].split(";")[0]) == (200, "text/css")
    assert "url(" not in style.text

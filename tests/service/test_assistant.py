"""lookalike mcp, asked by the official SDK's own client over stdio, as an assistant would."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from lookalike.errors import MissingDependency
from lookalike.gallery import Gallery
from lookalike.service.assistant import assistant_server
from samples import reduced, save

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("library_info", {}),
    ("search_by_words", {"text": "cat"}),
    ("search_by_image", {"path": "CAT"}),
    ("search_by_image", {"path": "CAT", "copies": False}),
    ("compare_images", {"a": "CAT", "b": "COPY"}),
    ("search_by_words", {"text": "", "without": "cat"}),
    ("search_by_words", {"text": "", "like": "CAT", "least": 0.9}),
    ("compare_images", {"a": "CAT", "b": "OUTSIDE"}),
    ("compare_images", {"a": "CAT", "b": "ALLOWED"}),
    ("search_by_image", {"path": "CAT", "k": 0}),
    ("search_by_words", {"text": "cat", "where": "nonsense ="}),
    ("search_by_words", {"text": "cat", "by": "words"}),
    ("search_by_words", {"text": "cat", "by": "copy"}),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[dict[str, Any]]]:
    """The tools that there are, and the answers to CALLS."""
    folder = tmp_path_factory.mktemp("assistant")
    cat = reduced("chelsea")
    save(folder / "photos" / "cat.png", cat)
    save(folder / "photos" / "copy.jpg", cat[:, ::-1].copy(), quality=85)
    save(folder / "photos" / "cup.png", reduced("coffee"))
    for name in ("outside", "allowed"):
        save(folder / name / "cat.jpg", cat, quality=60)
    with Gallery.create(folder / "g", ["copy", "content"]) as gallery:
        gallery.add(folder / "photos")
    places = {
        "CAT": folder / "photos" / "cat.png",
        "COPY": folder / "photos" / "copy.jpg",
        "OUTSIDE": folder / "outside" / "cat.jpg",
        "ALLOWED": folder / "allowed" / "cat.jpg",
    }
    before = _state(folder / "photos")
    tools, found = asyncio.run(_asked(folder, {name: str(place) for name, place in places.items()}))
    assert _state(folder / "photos") == before
    return tools, found


def _state(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def _asked(folder: Path, places: Mapping[str, str]) -> tuple[Any, list[dict[str, Any]]]:
    arguments = ["-m", "lookalike", "mcp", "--gallery", str(folder / "g"), "--allow", str(folder / "allowed")]
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
    async with Client(parameters) as client:
        tools = (await client.list_tools()).tools
        found = []
        for name, given in CALLS:
            filled = {key: places.get(str(value), value) for key, value in given.items()}
            answer = await client.call_tool(name, filled)
            found.append(json.loads(answer.content[0].text))
        return tools, found


def test_every_tool_is_read_only(answers: Any) -> None:
    """And says what it does, and what its arguments are."""
    tools, _ = answers
    assert sorted(tool.name for tool in tools) == [
        "compare_images", "library_info", "search_by_image", "search_by_words",
    ]  # fmt: skip
    assert all(tool.annotations.read_only_hint and not tool.annotations.open_world_hint for tool in tools)
    assert all(len(tool.description) > 60 for tool in tools)
    words = next(tool for tool in tools if tool.name == "search_by_words")
    assert words.input_schema["required"] == ["text"]


def test_answers(answers: Any) -> None:
    """What there is, a cat by words, its mirrored copy by its image, and why it is one."""
    _, (info, words, copies, alike, compared, without, like, *_, chosen, _) = answers
    assert (info["images"], info["text_by"]) == (3, ["words"])
    assert chosen == words
    assert Path(words["hits"][0]["path"]).name in ("cat.png", "copy.jpg")
    assert [Path(hit["path"]).name for hit in copies["hits"]] == ["cat.png", "copy.jpg"]
    assert len(alike["hits"]) == 3
    assert (compared["relation"], compared["orientation"]) == ("mirrored", "mirrored")
    assert compared["contributions"]
    assert "points" not in compared
    assert [Path(hit["path"]).name for hit in without["hits"]] == ["cup.png"]
    assert {Path(hit["path"]).name for hit in like["hits"]} == {"cat.png", "copy.jpg"}


def test_what_is_refused_is_said_in_words(answers: Any) -> None:
    """A file elsewhere, unless its folder was allowed; a number out of range; a filter that does not parse."""
    _, (*_, outside, allowed, few, filtered, _, unread) = answers
    assert "in no folder that was allowed" in outside["error"]
    assert allowed["relation"] in ("re-encoded", "edited")
    assert few["error"] == "k must be 1 to 100, not 0"
    assert "where" in filtered["error"]
    assert "reads no texts" in unread["error"]


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """At a terminal, where it says what it waits for."""
    Gallery.create(tmp_path / "g", ["structure"]).close()
    command = [sys.executable, "-m", "lookalike", "mcp", "--gallery", str(tmp_path / "g")]
    own, terminal = pty.openpty()
    with subprocess.Popen(command, stdin=terminal, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert "waiting for an assistant" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == -signal.SIGINT
        finally:
            process.kill()
            os.close(own)
            os.close(terminal)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A sentence names what brings it."""
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(MissingDependency, match=r"lookalike\[mcp\]"):
        assistant_server(str(tmp_path))

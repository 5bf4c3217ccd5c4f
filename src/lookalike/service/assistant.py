"""A gallery for assistants, by the Model Context Protocol over stdio: search, compare and explain, and nothing that
changes anything. The official SDK does the protocol (modelcontextprotocol.io)."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lookalike.comparison.explain.attribution import explain, explanation_json
from lookalike.errors import LookalikeError, MissingDependency, UserError
from lookalike.gallery import Gallery
from lookalike.paths import absolute
from lookalike.service.gallery_thread import GalleryThread
from lookalike.types import to_json
from lookalike.version import __version__

MAX_HITS = 100
LEFT_OUT = ("points", "transform", "content_a", "content_b")  # of an explanation
Json = dict[str, Any]
INSTRUCTIONS = (
    "A library of images. search_by_words and search_by_image find images, compare_images says how two are related and "
    "why, library_info what there is. Nothing is changed. Paths are those that searches give; images elsewhere are "
    "refused unless their folder was allowed."
)


def assistant_server(gallery: str, allowed: Sequence[str] = ()) -> Any:
    """An MCPServer over the gallery in this folder; ``run("stdio")`` serves it.

    ``allowed``: folders of which images may be read as well, besides the gallery's own. Raises MissingDependency
    without the SDK, and what ``Gallery.open`` raises."""
    try:
        from mcp.server import MCPServer
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise MissingDependency("mcp is not installed; get it with: pip install 'lookalike[mcp]'") from error
    tools = _Tools(GalleryThread(gallery), [os.path.realpath(folder) for folder in allowed])
    server = MCPServer("lookalike", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING")
    harmless = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
    for tool in (tools.search_by_words, tools.search_by_image, tools.compare_images, tools.library_info):
        server.add_tool(tool, annotations=harmless)
    return server


class _Tools:
    """What an assistant may ask. The docstrings are what it reads."""

    def __init__(self, gallery: GalleryThread, allowed: Sequence[str]) -> None:
        self._gallery, self._allowed = gallery, allowed

    async def search_by_words(
        self,
        text: str,
        k: int = 10,
        without: str = "",
        where: str | None = None,
        least: float = 0.5,
        by: str | None = None,
        like: str = "",
    ) -> Json:
        """Find images by what they show: "red car on a street". `without`: what is not to be seen. `like`: the path of
        an image that they are to be like as well; the text may be empty then. `where`: a filter such as
        "taken >= '2024-01-01' and width > 1000". `least`: the least probability, 0..1. Words that nobody can judge are
        told as `unknown`. `by`: one of the `text_by` of library_info; by default the first."""
        return await self._asked(
            lambda gallery: gallery.search_text(
                text,
                _few(k),
                without=without,
                like=self._readable(gallery, like) if like else None,
                where=where,
                least=least,
                by=by,
            ).to_dict()
        )

    async def search_by_image(self, path: str, k: int = 10, where: str | None = None, copies: bool = True) -> Json:
        """Find the images that are most like the one at `path`: only copies, edited ones too, or with copies=false
        whatever is alike."""

        def search(gallery: Gallery) -> Json:
            found = gallery.search(
                self._readable(gallery, path), _few(k), where=where, precision=0.5 if copies else None
            )
            return {"hits": [hit.to_dict() for hit in found]}

        return await self._asked(search)

    async def compare_images(self, a: str, b: str) -> Json:
        """How two images are related (identical, re-encoded, edited, crop, same scene, similar, unrelated, ...), how
        probably they are copies, what was changed, and which evidence speaks for it."""
        return await self._asked(
            lambda gallery: to_json(
                _without_points(explanation_json(explain(self._readable(gallery, a), self._readable(gallery, b))))
            )
        )

    async def library_info(self) -> Json:
        """How many images there are, their folders and formats, and which labels they have."""
        return await self._asked(lambda gallery: {**to_json(gallery.info()), "text_by": gallery.text_choices})

    async def _asked(self, question: Callable[[Gallery], Json]) -> Json:
        """An error of the user's becomes words that the assistant can act on, without a traceback."""
        try:
            asked: Awaitable[Json] = self._gallery.ask(question)
            return await asked
        except LookalikeError as error:
            return {"error": str(error)}

    def _readable(self, gallery: Gallery, path: str) -> str:
        """Raises UserError for a file that is neither the gallery's nor below a folder that was allowed."""
        if gallery.rows_at([path]):
            return absolute(path)
        true_path = os.path.realpath(path)
        if any(true_path.startswith(folder.rstrip(os.sep) + os.sep) for folder in self._allowed):
            return true_path
        raise UserError(f"{path}: not in this library, and in no folder that was allowed (lookalike mcp --allow DIR)")


def _few(k: int) -> int:
    if not 1 <= k <= MAX_HITS:
        raise UserError(f"k must be 1 to {MAX_HITS}, not {k}")
    return k


def _without_points(explanation: Json) -> Json:
    """Matched points and maps tell an assistant nothing."""
    return {name: value for name, value in explanation.items() if name not in LEFT_OUT}

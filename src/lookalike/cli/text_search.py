"""lookalike search --text WORDS: what the verb does for words."""

from __future__ import annotations

from typing import Any

import click

from lookalike.cli.output import print_json, print_table, printable, say_lacking, shown
from lookalike.errors import UserError
from lookalike.formatting import percent
from lookalike.gallery import Gallery
from lookalike.gallery.search.text_search import LEAST
from lookalike.types import TextHit, TextResult, WordEvidence


def search_by_words(
    gallery: str, text: str, images: tuple[str, ...], report: str | None, as_json: bool, options: dict[str, Any]
) -> int:
    """Print, as JSON or as a table, which images show what a text asks for; one image may say what they are like."""
    if len(images) > 1:
        raise UserError("--text goes together with one IMAGE at most")
    asked = {**options, "like": images[0] if images else None}
    with Gallery.open(gallery) as opened:
        say_lacking(opened)
        result = opened.search_text(text, **asked)
    if report:
        _report(report, text, result)
    if as_json:
        print_json({"text": text, **result.to_dict()})
    else:
        _print(result, options["least"])
    return 0


def _print(result: TextResult, least: float) -> None:
    if result.unknown:
        click.echo(f"no idea of: {printable(', '.join(result.unknown))}", err=True)
    if result.hits:
        rows = [[percent(hit.probability, "similar"), _why(hit), shown(hit.path)] for hit in result.hits]
        print_table(["probability", "why", "image"], rows, numbers=["probability"])
    elif result.understood or not result.unknown:
        nearest = f"; the best has {percent(result.best, 'similar')}: --least shows it" if result.best else ""
        click.echo(f"nothing like that here with a probability of {least:g}{nearest}", err=True)


def _why(hit: TextHit) -> str:
    return ", ".join(_of_word(one) for one in hit.evidence)


def _of_word(one: WordEvidence) -> str:
    said = percent(one.probability, "similar")
    if one.kind == "file":
        return one.word
    if one.kind == "model":
        return f"by {one.name}"
    if one.kind == "example":
        return f"like the image {said}"
    box = one.box
    place = f" in {box.width:.0f} × {box.height:.0f} at {box.x:.0f}, {box.y:.0f}" if box else ""
    return f"{one.name} {said}{place}" if one.name == one.word else f"{one.word}: {one.name} {said}{place}"


def _report(path: str, text: str, result: TextResult) -> None:
    import os

    from lookalike.report import Summary, write_report
    from lookalike.report.view_models import text_search_view

    facts = (("No idea of", ", ".join(result.unknown)),) if result.unknown else ()
    view = text_search_view(text, [(hit, _why(hit)) for hit in result.hits])
    write_report(path, summary=Summary(f"Search for {text}", facts), text_searches=[view])
    click.echo(f"report: {shown(os.path.abspath(path))}", err=True)


__all__ = ["LEAST", "search_by_words"]

"""lookalike search IMAGE... --gallery G"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from lookalike.cli.calibrate import calibrate_once
from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_table,
    progress_bar,
    say_lacking,
    shown,
)
from lookalike.cli.text_search import LEAST, search_by_words
from lookalike.comparison.sound_pair import OTHER_SOUND
from lookalike.errors import LoadError, UserError
from lookalike.formatting import clock, percent, plural, relation_text
from lookalike.gallery import Gallery
from lookalike.gallery.search.options import RERANK_TOP_K
from lookalike.imaging.video import is_video_name
from lookalike.types import Box, Failure, Hit, Segment, SoundSegment, VideoHit

COPY = "copy"  # the descriptor by which copies are searched, in images and in videos
LIKELY = 0.5  # more likely a copy than not
SAME_SPEED = 0.005


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What was found for one image or video. ``blank``: nothing, because it shows nothing. ``videos``: those that show
    it, and when."""

    query: str
    hits: list[Hit]
    blank: bool = False
    videos: list[VideoHit] = field(default_factory=list)


@click.command()
@click.argument("images", metavar="[QUERY...]", nargs=-1, type=click.Path())
@gallery_option()
@click.option("--text", metavar="WORDS", help="Search by words: red car on a street. An IMAGE may say what it is like.")
@click.option("--not", "without", default="", metavar="WORDS", help="With --text: what is not to be seen.")
@click.option(
    "--least", type=click.FloatRange(0, 1), default=LEAST, show_default=True, help="With --text: the least probability."
)
@click.option(
    "--boxes",
    is_flag=True,
    help="With --text: also which part of a hit shows it; reads their files. --report does so too.",
)
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many hits per query.")
@click.option("--by", help="A descriptor, 'blend', or weights like colour=2,texture=1.  [default: the gallery's]")
@click.option("--where", help="A filter, for instance: width >= 1000 and format = 'JPEG'")
@click.option("--region", help="Query with this part of an image only: x,y,w,h in pixels.")
@click.option("--exact", is_flag=True, help="Exhaustive search, without the approximate index.")
@click.option("--views", is_flag=True, help="Also query with an image mirrored and rotated: eight times the time.")
@click.option(
    "--rerank",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"Re-rank the top N by geometric verification.  [default: up to {RERANK_TOP_K} by copy and by regions]",
)
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    help="Only hits that are copies with this probability.  [default: 0.5 by copy, everything otherwise]",
)
@click.option("--good", multiple=True, type=click.Path(), help="Relevance feedback: an image like those you mean.")
@click.option("--bad", multiple=True, type=click.Path(), help="One unlike them; both may be given more than once.")
@click.option(
    "--fps", type=float, help="Frames a second of a QUERY that is a folder of numbered frames.  [default: 25]"
)
@click.option("--all", "everything", is_flag=True, help="Also show what is near, but no copy.")
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images.")
@json_option
def command(
    images: tuple[str, ...],
    gallery: str,
    text: str | None,
    without: str,
    least: float,
    boxes: bool,
    by: str | None,
    precision: float | None,
    everything: bool,
    report: str | None,
    as_json: bool,
    region: str | None,
    **options: Any,
) -> int:
    """Find the images of a gallery that are most like each QUERY, an image, best first, and the videos that show it;
    or, with --text, the images that show what words say.

    Where QUERY is a video, or a folder of numbered frames, the videos that share a segment with it are told, and when.

    By copy, the default, only copies are shown, and there may be none: --all shows what else is near. --precision asks
    for surer ones, by probabilities that are calibrated on this gallery's own images the first time.

    Fields for --where: path, format, camera, taken, width, height, megapixels, aspect, bytes, frames,
    damage, label, label_probability, objects, object, faces, person, and of a catalogue item.id, item.title and
    item.COLUMN; with = != < <= > >= like, in (...), is null, and, or, not. shows('dog') > 0.8 asks what an image shows.
    In like, % is anything, _ one character, \\% and \\_ these signs themselves; upper and lower case are the same.

    By words, -k, --where, --not, --least, --boxes, --report and --json go together with --text: "dog, no people",
    "blue at the top", "screenshot 2019"; words that nobody can judge are named. A gallery with a network that reads
    texts (`models import`) is searched by that; --by words, or --by its name, says which.

    --json prints {"queries": [{"query": QUERY, "hits": [...], "blank": false, "videos": [{"path": ..., "probability":
    ..., "segments": [...]}, ...]}, ...], "by": ..., "failed": [...]}, also for a single QUERY; of words {"text": ...,
    "hits": [...], "understood": [...], "unknown": [...], ...}.
    """
    if text is not None:
        asked = {"k": options["k"], "where": options["where"], "without": without, "least": least, "by": by}
        asked["boxes"] = boxes or report is not None
        return search_by_words(gallery, text, images, report, as_json, asked)
    if not images:
        raise click.UsageError("name an IMAGE, or say what it shows with --text")
    with Gallery.open(gallery) as opened:
        say_lacking(opened)
        by = by or opened.default_by
        if precision is not None and not everything and len(opened) > opened.video_count:
            calibrate_once(opened)
        feedback = bool(options["good"] or options["bad"])
        surely = None if everything else precision or (LIKELY if by == COPY and not feedback else None)
        asked = {**options, "by": by, "region": _box(region), "precision": surely}
        results, failed = _search_each(opened, images, asked)
        reranks = opened.will_rerank(by) and not options["views"] and not feedback
    if report:
        _report(report, results, by)
    if as_json:
        print_json({"queries": results, "by": by, "failed": failed})
    else:
        _print_each(results, surely, reranks if options["rerank"] is None else options["rerank"] > 0)
    print_failures(failed)
    return 1 if failed else 0


def _search_each(
    gallery: Gallery, images: Sequence[str], options: dict[str, Any]
) -> tuple[list[QueryResult], list[Failure]]:
    """One query after the other. A single one that cannot be read is an error; of several, it is one that failed."""
    results, failed = [], []
    with progress_bar("searching") as progress:
        for number, image in enumerate(images, 1):
            try:
                results.append(_search(gallery, image, options))
            except LoadError as error:
                if len(images) == 1:
                    raise
                failed.append(Failure(image, error.reason))
            progress(number, len(images))
    return results, failed


def _search(gallery: Gallery, image: str, asked: dict[str, Any]) -> QueryResult:
    options = dict(asked)
    fps = options.pop("fps")
    wanted = {"k": options["k"], "where": options["where"], "precision": options["precision"] or 0.0}
    if is_video_name(image) or os.path.isdir(image):
        return QueryResult(
            image, [], videos=gallery.search_videos(image, **wanted, fps=fps if os.path.isdir(image) else None)
        )
    hits = gallery.search(image, **options)
    blank = not hits and gallery.is_blank(image, by=options["by"], region=options["region"])
    as_it_is = options["by"] == COPY and options["region"] is None and not (options["good"] or options["bad"])
    videos = gallery.search_in_videos(image, **wanted) if as_it_is and gallery.video_count else []
    return QueryResult(image, hits, blank, videos)


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--region needs four numbers x,y,w,h, not {text!r}") from None
    return Box(x, y, width, height)


def _report(path: str, results: Sequence[QueryResult], by: str) -> None:
    from lookalike.report import Summary, write_report
    from lookalike.report.view_models import search_view

    title = f"Search for {results[0].query}" if len(results) == 1 else f"Search for {plural(len(results), 'image')}"
    write_report(path, summary=Summary(title), searches=[search_view(one.query, one.hits, by) for one in results])


def _print_each(results: Sequence[QueryResult], least: float | None, reranked: bool) -> None:
    for one in results:
        if len(results) > 1:
            click.echo(f"{shown(one.query)}:")
        if one.hits:
            _print(one.hits, reranked)
        if one.videos:
            _print_videos(one.videos)
        if not (one.hits or one.videos):
            click.echo(_nothing(one, least), err=True)


def _nothing(result: QueryResult, least: float | None) -> str:
    if result.blank:
        return "nothing found: the image, or this part of it, is blank"
    if least:
        return f"no match: nothing is a copy with probability {least}; --all shows what is near"
    return "nothing found"


def _print(hits: Sequence[Hit], reranked: bool) -> None:
    rows = [
        [f"{hit.distance:.3f}", percent(hit.probability, hit.relation), _relation(hit, reranked), shown(hit.path)]
        for hit in hits
    ]
    columns = ["distance", "probability", "relation", "image"]
    print_table(columns, rows, numbers=columns[:2])


def _print_videos(hits: Sequence[VideoHit]) -> None:
    """A line for each segment, of images and of sound; of a still, which lasts no time, only when the video shows it.
    One as well for what is near and shares none."""
    rows = []
    for hit in hits:
        for one in hit.segments:
            query = f"{clock(one.a_start)} - {clock(one.a_end)}" if one.a_end else ""
            shown_at = f"{clock(one.b_start)} - {clock(one.b_end)}"
            if "moment" in one.evidence:
                shown_at = f"{clock(one.evidence['moment'])} (in {shown_at})"
            relation = relation_text(one.relation, one.edits, one.orientation) + _speed(one)
            rows.append([percent(one.probability, one.relation), query, shown_at, relation, shown(hit.path)])
        for part in hit.sound:
            spans = [
                f"{clock(start)} - {clock(end)}"
                for start, end in ((part.a_start, part.a_end), (part.b_start, part.b_end))
            ]
            rows.append([percent(part.probability), *spans, f"same sound{_speed(part)}", shown(hit.path)])
        if hit.statement.endswith(OTHER_SOUND):
            rows.append(["", "", "", hit.statement, shown(hit.path)])
        if not (hit.verified or hit.sound):
            rows.append(["", "", "", "(not verified)", shown(hit.path)])
        elif not (hit.segments or hit.sound):
            rows.append([percent(hit.probability), "", "", "near, and no copy", shown(hit.path)])
    columns = ["probability", "of the query", "shown at", "relation", "video"]
    print_table(columns, rows, numbers=columns[:1])


def _speed(segment: Segment | SoundSegment) -> str:
    return "" if abs(segment.speed - 1) < SAME_SPEED else f" at {segment.speed:.2f} times the speed"


def _relation(hit: Hit, reranked: bool) -> str:
    """The relation, what was done, and where it lies; a mark if it was to be verified and was not."""
    if reranked and not hit.verified and hit.relation != "identical":
        return f"{hit.relation} (not verified)"
    text = relation_text(hit.relation, hit.edits)
    if hit.box is None:
        return text
    place = ", ".join(f"{round(value):d}" for value in (hit.box.x, hit.box.y, hit.box.width, hit.box.height))
    return f"{text} (at {place} of the {hit.box_in})"

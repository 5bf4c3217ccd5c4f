"""lookalike search IMAGE --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.calibrate import calibrate_once
from lookalike.cli.output import gallery_option, json_option, print_json, print_table, shown
from lookalike.errors import UserError
from lookalike.formatting import percent
from lookalike.gallery import Gallery
from lookalike.gallery.search.options import RERANK_TOP_K
from lookalike.types import Box, Hit

COPY = 0.5  # more likely a copy than not


@click.command()
@click.argument("image", type=click.Path())
@gallery_option()
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many images.")
@click.option("--by", help="A descriptor, 'blend', or weights like colour=2,texture=1.  [default: the gallery's]")
@click.option("--where", help="A filter, for instance: width >= 1000 and format = 'JPEG'")
@click.option("--region", help="Only this part of IMAGE: x,y,w,h in pixels.")
@click.option("--exact", is_flag=True, help="Compare with every image, without the fast index.")
@click.option("--views", is_flag=True, help="Look for IMAGE mirrored and turned as well: eight times the time.")
@click.option(
    "--verify",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"Lay the N best on IMAGE.  [default: {RERANK_TOP_K} by copy and by regions]",
)
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    help="Show only what is a copy with this probability.  [default: 0.5 by copy, everything otherwise]",
)
@click.option("--good", multiple=True, type=click.Path(), help="An image of the gallery that is what is meant.")
@click.option("--bad", multiple=True, type=click.Path(), help="One that is not; both may be given more than once.")
@click.option("--all", "everything", is_flag=True, help="Also show what is near, but no copy.")
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images.")
@json_option
def command(
    image: str,
    gallery: str,
    k: int,
    by: str | None,
    where: str | None,
    region: str | None,
    exact: bool,
    views: bool,
    verify: int | None,
    precision: float | None,
    good: tuple[str, ...],
    bad: tuple[str, ...],
    everything: bool,
    report: str | None,
    as_json: bool,
) -> int:
    """Find the images of a gallery that are most like IMAGE, best first.

    By copy, the default, only copies are shown, and there may be none: --all shows what else is near. --precision asks
    for surer ones, by probabilities that are fitted to this gallery's own images the first time.

    Fields for --where: path, format, camera, taken, width, height, megapixels, aspect, bytes, label,
    label_probability, objects, object; with = != < <= > >= like, in (...), is null, and, or, not.
    """
    with Gallery.open(gallery) as opened:
        by = by or opened.default_by
        if precision is not None and not everything:
            calibrate_once(opened)
        judged = bool(good or bad)
        least = None if everything else precision or (COPY if by == "copy" and not judged else None)
        hits = opened.search(
            image, k, by=by, where=where, region=_box(region), exact=exact, views=views, rerank=verify,
            precision=least, good=good, bad=bad,
        )  # fmt: skip
        blank = not hits and opened.is_blank(image, by=by, region=_box(region))
        verifies = opened.will_rerank(by) and not views and not judged
    if report:
        from lookalike.report import Summary, write_report
        from lookalike.report.view_models import search_view

        write_report(report, summary=Summary(f"Search for {image}"), searches=[search_view(image, hits, by)])
    if as_json:
        print_json(hits)
    elif not blank:
        _print(hits, least, to_verify=verifies if verify is None else verify > 0)
    if blank:
        click.echo("nothing found: the image, or this part of it, is blank", err=True)
    return 0


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--region needs four numbers x,y,w,h, not {text!r}") from None
    return Box(x, y, width, height)


def _print(hits: list[Hit], least: float | None, to_verify: bool) -> None:
    if not hits:
        no_copy = f"no match: nothing is a copy with probability {least}; --all shows what is near"
        click.echo(no_copy if least else "nothing found", err=True)
        return
    rows = [
        [f"{hit.distance:.3f}", percent(hit.probability, hit.relation), _relation(hit, to_verify), shown(hit.path)]
        for hit in hits
    ]
    print_table(["distance", "copy", "relation", "image"], rows, numbers=["distance", "copy"])


def _relation(hit: Hit, to_verify: bool) -> str:
    """The relation, what was done, and where it lies; a mark if it was to be verified and was not."""
    if to_verify and not hit.verified and hit.relation != "identical":
        return f"{hit.relation} (not verified)"
    told = [hit.relation, *([", ".join(hit.edits)] if hit.edits else [])]
    text = ": ".join(dict.fromkeys(told))
    if hit.box is None:
        return text
    place = ", ".join(f"{round(value):d}" for value in (hit.box.x, hit.box.y, hit.box.width, hit.box.height))
    return f"{text} (at {place} of the {hit.box_in})"

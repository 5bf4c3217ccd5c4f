"""lookalike search IMAGE --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.output import gallery_option, json_option, print_json, print_table, shown
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.types import Box, Hit
from lookalike.wording import percent


@click.command()
@click.argument("image", type=click.Path())
@gallery_option()
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many pictures.")
@click.option("--by", help="A descriptor, 'blend', or weights like colour=2,texture=1.  [default: the gallery's]")
@click.option("--where", help="A filter, for instance: width >= 1000 and format = 'JPEG'")
@click.option("--region", help="Only this part of IMAGE: x,y,w,h in pixels.")
@click.option("--exact", is_flag=True, help="Compare with every picture, without the fast index.")
@click.option("--views", is_flag=True, help="Look for IMAGE mirrored and turned as well: eight times the time.")
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the pictures.")
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
    report: str | None,
    as_json: bool,
) -> int:
    """Find the pictures of a gallery that are most like IMAGE, best first.

    Fields for --where: path, format, camera, taken, width, height, megapixels, aspect, bytes, label,
    label_probability; with = != < <= > >= like, in (...), is null, and, or, not.
    """
    with Gallery.open(gallery) as opened:
        by = by or opened.default_by
        hits = opened.search(image, k, by=by, where=where, region=_box(region), exact=exact, views=views)
    if report:
        from lookalike.report import Summary, write_report
        from lookalike.report.views import search_view

        write_report(report, summary=Summary(f"Search for {image}"), searches=[search_view(image, hits, by)])
    if as_json:
        print_json(hits)
    else:
        _print(hits)
    return 0


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--region needs four numbers x,y,w,h, not {text!r}") from None
    return Box(x, y, width, height)


def _print(hits: list[Hit]) -> None:
    if not hits:
        click.echo("nothing found", err=True)
        return
    rows = [
        [f"{hit.distance:.3f}", percent(hit.probability, hit.relation), hit.relation, shown(hit.path)] for hit in hits
    ]
    print_table(["distance", "copy", "relation", "picture"], rows, numbers=["distance", "copy"])

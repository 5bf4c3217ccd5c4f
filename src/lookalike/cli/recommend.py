"""lookalike recommend IMAGE | --id ITEM --gallery G"""

from __future__ import annotations

from typing import Any

import click

from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_json,
    print_table,
    printable,
    say_lacking,
    shown,
)
from lookalike.gallery import Gallery
from lookalike.gallery.recommend.options import DIVERSITY
from lookalike.types import Recommendation


@click.command()
@click.argument("image", metavar="[IMAGE]", required=False, type=click.Path())
@gallery_option()
@click.option("--id", "item", metavar="ITEM", help="Like this item of the catalogue, by its images and words.")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many items.")
@click.option(
    "--by", help="Weights like content=2,palette=1,text=1: descriptors, palettes, words.  [default: these three]"
)
@click.option("--where", help="A filter, for instance: item.price < 50 and item.size = 'M'")
@click.option("--text", default="", metavar="WORDS", help="Words to look for in titles and text columns.")
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    default=DIVERSITY,
    show_default=True,
    help="How much being like an item before it counts against one.",
)
@click.option("--fold", metavar="COLUMN", help="Variants of one item share its value.  [default: variant_of]")
@json_option
def command(image: str | None, gallery: str, as_json: bool, **options: Any) -> int:
    """Recommend items of a gallery's catalogue that are like IMAGE, or like one of its items, and say why.

    `lookalike index --catalogue items.csv` gives a gallery its catalogue. Each measure adds its part to an item's
    score: 1 is the same, 0 as unlike as two unrelated images. The best comes first, then what is like the query and
    unlike what was chosen before. Of variants of one item the best stands for all.

    Besides the fields of `lookalike search --where`, filters know item.id, item.title and item.COLUMN.

    --json prints {"query": IMAGE, "item": ITEM, "items": [{"id": ..., "title": ..., "path": ..., "score": ..., "parts":
    {...}, "similar_chosen": ..., "values": {...}, "variants": [...]}, ...]}.
    """
    if (image is None) == (options["item"] is None):
        raise click.UsageError("name an IMAGE, or an item of the catalogue with --id")
    with Gallery.open(gallery) as opened:
        say_lacking(opened)
        found = opened.recommend(image, **options)
    if as_json:
        print_json({"query": image, "item": options["item"], "items": found})
    elif found:
        _print(found)
    else:
        click.echo("no item like that", err=True)
    return 0


def _print(found: list[Recommendation]) -> None:
    rows = [
        [f"{one.score:.2f}", printable(one.id), printable(one.title), _why(one), _stands_for(one), shown(one.path)]
        for one in found
    ]
    print_table(["score", "id", "title", "why", "variants", "image"], rows, numbers=["score"])


def _why(one: Recommendation) -> str:
    """The parts, which add up to the score, the largest first."""
    parts = sorted(one.parts.items(), key=lambda part: -part[1])
    return " ".join(f"{name} {value:+.2f}" for name, value in parts)


def _stands_for(one: Recommendation) -> str:
    return printable(", ".join(one.variants))

"""lookalike describe IMAGE... --by structure"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from lookalike.cli.output import json_option, print_failures, print_json, printable, shown
from lookalike.descriptors import Descriptor, describe_all, get, min_side
from lookalike.descriptors.neural.region_model import NO_CLASS, OBJECT_THRESHOLD, RegionDescriptor, in_pixels
from lookalike.errors import LoadError, UserError
from lookalike.imaging import load
from lookalike.types import Failure, Image


@click.command()
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--by", default="structure", show_default=True, help="A hash, or a descriptor of a model.")
@click.option(
    "--draw", type=click.Path(dir_okay=False), help="By regions: also write IMAGE with its objects to this file."
)
@json_option
def command(images: tuple[str, ...], by: str, draw: str | None, as_json: bool) -> int:
    """Print the embedding of each IMAGE: hexadecimal for a binary hash, numbers otherwise, and its contrast (0..1).

    By regions: the boxes, x,y,w,h in pixels, their objectness (0..1; 0 for a fixed cell), and their class.

    --json prints {"descriptor": NAME, "fingerprint": ..., "images": [{"path": ..., "contrast": ..., "vector": ...},
    ...], "failed": [...]}; by regions each image has "width", "height" and "regions".
    """
    descriptor = get(by)  # a wrong name is an error before any file is read
    _check_draw(draw, descriptor, images, by)
    described: list[dict[str, Any]] = []
    failed = []
    for path in images:
        try:
            one = {"path": path, **_described(path, descriptor, draw)}
        except LoadError as error:
            failed.append(Failure(path, error.reason))
            continue
        if as_json:
            described.append(one)
        else:
            _print(one)
    if as_json:
        card = descriptor.card
        print_json({"descriptor": by, "fingerprint": card.fingerprint, "images": described, "failed": failed})
    print_failures(failed)
    return 1 if failed else 0


def _check_draw(draw: str | None, descriptor: Descriptor, images: Sequence[str], by: str) -> None:
    if draw and not isinstance(descriptor, RegionDescriptor):
        raise UserError(f"--draw shows regions, and {by!r} gives none")
    if draw and len(images) > 1:
        raise UserError(f"--draw writes one image, and there are {len(images)}: describe them one by one")


def _described(path: str, descriptor: Descriptor, draw: str | None) -> dict[str, Any]:
    if isinstance(descriptor, RegionDescriptor):
        return _regions(path, descriptor, draw)
    name = descriptor.card.name
    found = describe_all([load(path, min_side=min_side([name]))], [name])[name]
    vector, contrast = found.vectors[0], float(found.contrast[0])
    is_hash = descriptor.card.metric == "hamming"
    return {
        "contrast": contrast,
        "vector": vector.tobytes().hex() if is_hash else np.round(vector.astype(float), 6).tolist(),
    }


def _regions(path: str, network: RegionDescriptor, draw: str | None) -> dict[str, Any]:
    image = load(path, min_side=None if draw else network.card.min_side)
    found = network.regions([image])[0]
    boxes = [in_pixels(box, image.width, image.height) for box in found.boxes]
    names = [network.names[n] if NO_CLASS < n < len(network.names) else None for n in found.classes.tolist()]
    scores = np.round(found.scores.astype(float), 4).tolist()
    regions = [
        {"box": box, "score": score, "class": name or None}
        for box, score, name in zip(boxes, scores, names, strict=True)
    ]
    if draw:
        _draw(draw, image, regions)
    return {"width": image.width, "height": image.height, "regions": regions}


def _draw(path: str, image: Image, regions: Sequence[dict[str, Any]]) -> None:
    from lookalike.report.draw_boxes import draw_boxes, write_png

    objects = [
        (one["box"], f"{one['class'] or ''} {one['score']:.2f}".strip())
        for one in regions
        if one["score"] >= OBJECT_THRESHOLD
    ]
    write_png(path, draw_boxes(image, objects))


def _print(one: dict[str, Any]) -> None:
    if "regions" in one:
        _print_regions(one["path"], one["regions"])
        return
    vector = one["vector"]
    text = vector if isinstance(vector, str) else " ".join(f"{number:g}" for number in vector)
    click.echo(f"{text}  {one['contrast']:.2f}  {shown(one['path'])}")


def _print_regions(path: str, regions: Sequence[dict[str, Any]]) -> None:
    for one in regions:
        box = one["box"]
        place = ",".join(f"{round(value):d}" for value in (box.x, box.y, box.width, box.height))
        name = [printable(one["class"])] if one["class"] else []
        click.echo("  ".join([place, f"{one['score']:.2f}", *name, shown(path)]))
    if not regions:
        click.echo(f"no region: nothing is to be seen in {shown(path)}", err=True)

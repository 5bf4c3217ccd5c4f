"""lookalike describe IMAGE... --by structure"""

from __future__ import annotations

import click
import numpy as np

from lookalike.cli.output import json_option, print_failures, print_json, printable, shown
from lookalike.descriptors import describe_all, get, min_side
from lookalike.descriptors.neural.region_model import NO_CLASS, OBJECT_THRESHOLD, RegionNetwork, in_pixels
from lookalike.errors import LoadError, UserError
from lookalike.imaging import load
from lookalike.types import Failure


@click.command()
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--by", default="structure", show_default=True, help="A hash, or a descriptor of a model.")
@click.option(
    "--draw", type=click.Path(dir_okay=False), help="By regions: also write IMAGE with its objects to this file."
)
@json_option
def command(images: tuple[str, ...], by: str, draw: str | None, as_json: bool) -> int:
    """Print the vector of each IMAGE: hexadecimal for a binary hash, numbers otherwise, and its contrast (0..1).

    By regions: the boxes, x,y,w,h in pixels, how surely each is an object (0..1; 0 for a fixed cell), and its class.
    """
    network = get(by)  # a wrong name is told before any file is read
    if draw and not isinstance(network, RegionNetwork):
        raise UserError(f"--draw shows regions, and {by!r} gives none")
    if draw and len(images) > 1:
        raise UserError(f"--draw writes one image, and there are {len(images)}: describe them one by one")
    failures = []
    for path in images:
        try:
            if isinstance(network, RegionNetwork):
                _regions(path, network, draw, as_json)
            else:
                _describe(path, by, as_json)
        except LoadError as error:
            failures.append(Failure(path, error.reason))
    print_failures(failures)
    return 1 if failures else 0


def _describe(path: str, by: str, as_json: bool) -> None:
    card = get(by).card
    described = describe_all([load(path, min_side=min_side([by]))], [by])[by]
    vector, contrast = described.vectors[0], float(described.contrast[0])
    value = vector.tobytes().hex() if card.metric == "hamming" else np.round(vector.astype(float), 6).tolist()
    if as_json:
        print_json(
            {"path": path, "descriptor": by, "fingerprint": card.fingerprint, "contrast": contrast, "vector": value}
        )
    else:
        text = value if isinstance(value, str) else " ".join(f"{number:g}" for number in value)
        click.echo(f"{text}  {contrast:.2f}  {shown(path)}")


def _regions(path: str, network: RegionNetwork, draw: str | None, as_json: bool) -> None:
    image = load(path, min_side=None if draw else network.card.min_side)
    found = network.regions([image])[0]
    boxes = [in_pixels(box, image.width, image.height) for box in found.boxes]
    names = [
        network.output.names[n] if NO_CLASS < n < len(network.output.names) else "" for n in found.classes.tolist()
    ]
    rows = list(zip(boxes, np.round(found.scores.astype(float), 4).tolist(), names, strict=True))
    if draw:
        from lookalike.report.draw_boxes import draw_boxes, write_png

        objects = [(box, f"{name} {score:.2f}".strip()) for box, score, name in rows if score >= OBJECT_THRESHOLD]
        write_png(draw, draw_boxes(image, objects))
    if as_json:
        told = [{"box": box, "score": score, "class": name or None} for box, score, name in rows]
        print_json({"path": path, "descriptor": network.card.name, "fingerprint": network.card.fingerprint,
                    "width": image.width, "height": image.height, "regions": told})  # fmt: skip
        return
    for box, score, name in rows:
        place = ",".join(f"{round(value):d}" for value in (box.x, box.y, box.width, box.height))
        click.echo("  ".join([place, f"{score:.2f}", *([printable(name)] if name else []), shown(path)]))
    if not rows:
        click.echo(f"no region: nothing is to be seen in {shown(path)}", err=True)

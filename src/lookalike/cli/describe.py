"""lookalike describe IMAGE... --by structure"""

from __future__ import annotations

import click
import numpy as np

from lookalike.cli.output import json_option, print_failures, print_json, shown
from lookalike.describe import describe_all, get, min_side
from lookalike.errors import LoadError
from lookalike.load import load
from lookalike.types import Failure


@click.command()
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--by", default="structure", show_default=True, help="A hash, or a descriptor of a model.")
@json_option
def command(images: tuple[str, ...], by: str, as_json: bool) -> int:
    """Print the vector of each IMAGE: hexadecimal for a binary hash, numbers otherwise, and its quality (0..1)."""
    get(by)  # a wrong name is told before any file is read
    failures = []
    for path in images:
        try:
            _describe(path, by, as_json)
        except LoadError as error:
            failures.append(Failure(path, error.reason))
    print_failures(failures)
    return 1 if failures else 0


def _describe(path: str, by: str, as_json: bool) -> None:
    card = get(by).card
    described = describe_all([load(path, min_side=min_side([by]))], [by])[by]
    vector, quality = described.vectors[0], float(described.quality[0])
    value = vector.tobytes().hex() if card.metric == "hamming" else np.round(vector.astype(float), 6).tolist()
    if as_json:
        print_json(
            {"path": path, "descriptor": by, "fingerprint": card.fingerprint, "quality": quality, "vector": value}
        )
    else:
        text = value if isinstance(value, str) else " ".join(f"{number:g}" for number in value)
        click.echo(f"{text}  {quality:.2f}  {shown(path)}")

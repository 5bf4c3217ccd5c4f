"""lookalike train recipe FILE"""

from __future__ import annotations

from pathlib import Path

import click

from lookalike.cli.output import json_option, print_json, progress_bar, shown
from lookalike.cli.train.places import refuse_place


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The folder that its sources lie in.")
@click.option("--teacher", type=click.Path(path_type=Path), help="The ONNX file that teaches `content`.")
@click.option("--run", "run_folder", required=True, type=click.Path(path_type=Path), help="Where checkpoints lie.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option(
    "--side", default=144, show_default=True, type=click.IntRange(min=32), help="Pixels at which it will be used."
)
@json_option
def command(file: Path, data: Path, teacher: Path | None, run_folder: Path, out: Path, side: int, as_json: bool) -> int:
    """Train a network from random weights as the recipe FILE says. Goes on from the last checkpoint."""
    from lookalike.training.engine.recipe import read
    from lookalike.training.export.onnx_export import export
    from lookalike.training.tasks.copy_detection import run_of, trained_by
    from lookalike.training.tasks.prepare import prepare

    refuse_place(out)
    told = read(file)
    with progress_bar("training") as progress:
        groups, classes = prepare(told, data, teacher, data / "packs")
        run = run_of(told, groups, classes, run_folder)
        run.resume()
        for line in run.train():
            progress(int(line["step"]), told.steps)
    sha256 = export(trained_by(run), side, out, ("copy", "copy"), compact=True)
    if as_json:
        print_json({"model": str(out), "sha256": sha256, "steps": run.step})
    else:
        click.echo(f"{shown(str(out))}  sha256 {sha256}")
    return 0

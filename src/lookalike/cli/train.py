"""lookalike train copy DIR, lookalike train recipe FILE"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookalike.cli.output import json_option, print_json, print_table, printable, progress_bar, shown
from lookalike.errors import MissingDependency, ModelMissing, UserError

if TYPE_CHECKING:
    from lookalike.describe.models import ModelCard
    from lookalike.train.adapt import Adapted


@click.group()
def command() -> None:
    """Train a network on your own pictures. Needs the extra: pip install 'lookalike[train]'."""
    for package in ("torch", "onnx", "onnxscript"):  # the last is asked for at the end of a run: too late to be told
        if find_spec(package) is None:
            raise MissingDependency(f"{package} is not installed; get it with: pip install 'lookalike[train]'")


@command.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write, and its card.")
@click.option("--name", help="What the new descriptor is called.  [default: the file's name]")
@click.option("--steps", default=300, show_default=True, type=click.IntRange(min=1), help="Batches of 64 pictures.")
@click.option("--run", "run_folder", type=click.Path(path_type=Path), help="Where checkpoints lie.  [default: OUT.run]")
@click.option("--seed", default=0, show_default=True, help="Another seed holds out and draws something else.")
@json_option
def copy(
    folder: Path, out: Path, name: str | None, steps: int, run_folder: Path | None, seed: int, as_json: bool
) -> int:
    """Adapt `copy` to the pictures in DIR, which need no labels, and say whether that helped.

    A fifth of the pictures (at most 150) is held out; edited in every way, they are looked for among all pictures,
    before and after. Interrupted, the same call goes on from its last checkpoint.
    """
    from lookalike.train.adapt import adapt
    from lookalike.train.export import restored

    _refuse_place(out)
    name = _free(name or out.stem)
    card = _card_of("copy")
    side, kept = card.input.side, run_folder or out.with_suffix(".run")
    with progress_bar("training") as progress:
        adapted = adapt(folder, restored(card.onnx), kept, steps, side, seed, progress)
    _write(adapted, out, name, side, folder)
    return _tell(adapted, out, as_json)


def _refuse_place(out: Path) -> None:
    """Before the work, not after it."""
    if out.suffix != ".onnx":
        raise UserError(f"{out}: the file to write must end in .onnx")
    if not out.absolute().parent.is_dir():
        raise UserError(f"{out}: no such folder; make it first")


def _free(name: str) -> str:
    """The name, if a card may give it to a descriptor and none has it."""
    from lookalike.describe import names
    from lookalike.describe.cards import NAME, RESERVED

    if not NAME.fullmatch(name) or name in RESERVED:
        raise UserError(f"{name!r} is no name for a descriptor: letters, digits, _ . -; choose one with --name")
    if name in names():
        raise UserError(f"there is a descriptor {name!r} already; choose another name with --name")
    return name


def _card_of(descriptor: str) -> ModelCard:
    """The card of the shipped model that gives this descriptor."""
    from lookalike.describe.models import shipped

    for card in shipped():
        if descriptor in {output.name for output in card.outputs}:
            return card
    raise ModelMissing(f"no shipped model gives {descriptor!r}; install Lookalike again")


def _write(adapted: Adapted, out: Path, name: str, side: int, folder: Path) -> None:
    from lookalike.describe import get
    from lookalike.train.card import Written, write_card
    from lookalike.train.export import export

    sha256 = export(adapted.network, side, out, ("copy", name))
    write_card(
        Written(
            name, sha256, "the licence of your pictures", "lookalike's own network, adapted", side,
            {name: get("copy").card.typical},
            [(f"{adapted.pictures} pictures of {printable(folder.absolute().name)}", "yours")],
            {"recall before": adapted.before.recall, "recall after": adapted.after.recall},
            ["adapted to one folder: other pictures may be found less well than by `copy`"],
        ),
        out,
    )  # fmt: skip


def _tell(adapted: Adapted, out: Path, as_json: bool) -> int:
    if as_json:
        told = {
            key: getattr(adapted, key) for key in ("before", "after", "pictures", "held_out", "unreadable", "helped")
        }
        print_json({"model": str(out), **told})
        return 0
    rows = [
        (when, f"{score.recall:.1%}", f"{score.first:.1%}")
        for when, score in (("before", adapted.before), ("after", adapted.after))
    ]
    print_table(("", "found", "first"), rows, ("found", "first"))
    click.echo(f"{adapted.held_out} of {adapted.pictures} pictures held out, each edited in every way")
    if adapted.helped:
        click.echo(f"It helped. Use it with: lookalike models add {shown(str(out))}")
    else:
        click.echo("It did not help: stay with `copy`, or train longer or on more pictures.")
    return 0


@command.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The folder that its sources lie in.")
@click.option("--teacher", type=click.Path(path_type=Path), help="The ONNX file that teaches `content`.")
@click.option("--run", "run_folder", required=True, type=click.Path(path_type=Path), help="Where checkpoints lie.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option(
    "--side", default=144, show_default=True, type=click.IntRange(min=32), help="Pixels at which it will be used."
)
@json_option
def recipe(file: Path, data: Path, teacher: Path | None, run_folder: Path, out: Path, side: int, as_json: bool) -> int:
    """Train a network from random weights as the recipe FILE says. Goes on from the last checkpoint."""
    from lookalike.train.copying import run_of, trained_by
    from lookalike.train.export import export
    from lookalike.train.prepare import prepare
    from lookalike.train.recipe import read

    _refuse_place(out)
    told = read(file)
    with progress_bar("training") as progress:
        groups, classes = prepare(told, data, teacher, data / "packs")
        run = run_of(told, groups, classes, run_folder)
        run.resume()
        for line in run.train():
            progress(int(line["step"]), told.steps)
    sha256 = export(trained_by(run), side, out)
    if as_json:
        print_json({"model": str(out), "sha256": sha256, "steps": run.step})
    else:
        click.echo(f"{shown(str(out))}  sha256 {sha256}")
    return 0

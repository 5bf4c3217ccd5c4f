"""What the verbs that train a network of one's own share: switches trained of settings, one call, one output."""

from __future__ import annotations

import importlib
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lookalike.cli.output import print_failures, print_json, progress_bar, shown
from lookalike.cli.train.places import free, refuse_place

if TYPE_CHECKING:
    from lookalike.training.engine.settings import Settings
    from lookalike.training.export.artifacts import TrainedModel

INTERRUPTED = 130
FAILED = 1


class OwnCommand(click.Command):
    """A command whose switches are the fields of a settings class, looked up when they are needed: torch is slow to
    import, and the help of other verbs must not wait for it."""

    def __init__(self, verb: str, settings: str, help: str, source: str = "DIR|CSV") -> None:  # noqa: A002  click's own name for it
        super().__init__(verb, callback=self._train, params=_places(source), help=help)
        self._module, self._settings = f"lookalike.training.tasks.{verb}", settings
        self._verb, self._complete = f"train_{verb}", False

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not self._complete:
            self.params += [_switch(one) for one in fields(self._kind())]
            self._complete = True
        return super().get_params(ctx)

    def _kind(self) -> type[Settings]:
        kind: type[Settings] = getattr(importlib.import_module(self._module), self._settings)
        return kind

    def _train(self, out: Path, name: str | None, recipe: Path | None, **given: Any) -> int:
        """Train, write the model and the page, print the result; the exit code."""
        from lookalike.training.engine.settings import read_settings
        from lookalike.training.export.artifacts import export_model

        refuse_place(out)
        name = free(name or out.stem)
        settings = read_settings(recipe, self._kind()) if recipe else self._kind()()
        switches = {one.name: given[one.name] for one in fields(settings) if given[one.name] is not None}
        train = getattr(importlib.import_module(self._module), self._verb)
        run = given["run_folder"] or out.with_suffix(".run")
        with progress_bar("training") as bar:
            trained = train(given["source"], replace(settings, **switches), run, bar)
        sha256 = export_model(trained, name, out, given["report"], given["source"].absolute().name)
        return _print_result(trained, name, out, given["report"], sha256, given["as_json"])


def _places(source: str) -> list[click.Parameter]:
    """The switches that are no settings, the same for each."""
    path = click.Path(path_type=Path)
    return [
        click.Argument(["source"], metavar=source, type=path),
        click.Option(["--out"], required=True, type=path, help="The .onnx file to write, and its card."),
        click.Option(["--name"], help="Name of the new descriptor.  [default: the file's name]"),
        click.Option(["--run", "run_folder"], type=path, help="Folder of the checkpoints.  [default: OUT.run]"),
        click.Option(["--report"], type=path, help="Also write an HTML page with curves, metrics and images."),
        click.Option(["--recipe"], type=path, help="A TOML file with settings; a switch overrules it."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON to stdout."),
    ]


def _switch(one: Field[Any]) -> click.Option:
    """Without a default, so that a recipe's value is overruled by a switch that was given and no other."""
    name, default = "--" + one.name.replace("_", "-"), one.default
    means = f"{one.metadata['help']}  [default: {_word(default)}]"
    if isinstance(default, bool):
        return click.Option([f"{name}/--no-{name[2:]}"], default=None, help=means)
    choices = one.metadata["choices"]
    return click.Option([name], type=click.Choice(choices) if choices else type(default), help=means)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return ("no", "yes")[value]
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"


def _print_result(trained: TrainedModel, name: str, out: Path, report: Path | None, sha256: str, as_json: bool) -> int:
    for note in trained.notes:
        click.echo(f"note: {note}", err=True)
    print_failures(trained.failed)
    if not trained.complete:
        click.echo(f"interrupted; {shown(str(out))} is the best model so far, of step {trained.best}. "
                   "The same call goes on.", err=True)  # fmt: skip
    if as_json:
        keys = (
            "metrics",
            "details",
            "images",
            "best",
            "step",
            "complete",
            "notes",
            "failed",
            "dim",
            "metric",
            "median_negative_distance",
        )
        print_json({"model": str(out), "name": name, "sha256": sha256, "report": str(report) if report else None}
                   | {key: getattr(trained, key) for key in keys})  # fmt: skip
    else:
        _print_metrics(trained, out, report)
    return INTERRUPTED if not trained.complete else FAILED if trained.failed else 0


def _print_metrics(trained: TrainedModel, out: Path, report: Path | None) -> None:
    for key, value in trained.metrics.items():
        click.echo(f"{key:>28}  {value:.4f}")
    click.echo(f"Trained on {trained.images:,} images. Use it with: lookalike models add {shown(str(out))}")
    if report:
        click.echo(f"The page: {shown(str(report))}")

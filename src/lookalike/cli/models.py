"""lookalike models list | show NAME | add FILE.onnx [--card FILE.toml] | import PATH | remove NAME | verify [NAME]

add faces --from FILE... takes the files of a model whose card came with Lookalike.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from lookalike.cli.output import json_option, print_failures, print_json, print_table, printable, shown
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.image_digests import DigestsFile
from lookalike.descriptors.neural.image_fit import SQUEEZED, ImageFit
from lookalike.descriptors.neural.model_card import BaseModel
from lookalike.descriptors.neural.model_store import ModelCard, ModelInfo
from lookalike.descriptors.neural.onnx_model import Labels
from lookalike.errors import MissingDependency, ModelCardInvalid, ModelError
from lookalike.formatting import human_bytes, plural
from lookalike.types import Failure, to_json

IMPORTS = ("torch", "transformers", "onnx", "onnxscript", "tokenizers", "sentencepiece")


@click.group()
def command() -> None:
    """List, show, add, remove and check neural models: an ONNX file with a card beside it.

    Yours lie in $LOOKALIKE_MODELS, else in ~/.lookalike/models. docs/how-to/models.md explains the card.
    """


@command.command("list")
@json_option
def list_models(as_json: bool) -> int:
    """List the models that there are, and whether their files are whole."""
    found = [model_store.info(card) for card in model_store.all_models()]
    if as_json:
        print_json({"models": found, "refused": model_store.refused()})
    elif found:
        columns = ["model", "descriptors", "dim", "size", "origin", "state", "card"]
        print_table(columns, [_row(info) for info in found], numbers=["size"])
    else:
        click.echo(f"no models; yours would lie in {shown(str(model_store.folder()))}", err=True)
    print_failures(model_store.refused())
    return _code(all(info.state == "ok" for info in found) and not model_store.refused())


@command.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> int:
    """Show the card of the model NAME: its licence and origin, input and outputs, training, results and weaknesses."""
    card = model_store.find(name)
    info = model_store.info(card)
    if as_json:
        prints = {output.name: output.fingerprint for output in card.outputs}
        print_json({**to_json(card), "fingerprints": prints, **to_json(info)})
    else:
        _print(card, info)
    return _code(info.state == "ok")


@command.command()
@click.argument("model", metavar="FILE.onnx|NAME")
@click.argument("more", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--card", type=click.Path(path_type=Path), help="Its card.  [default: FILE.toml]")
@click.option(
    "--from",
    "files",
    metavar="FILE...",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The files of a known model, by NAME: faces. They are told by their sha256.",
)
@json_option
def add(model: str, more: tuple[Path, ...], card: Path | None, files: tuple[Path, ...], as_json: bool) -> int:
    """Check a model and copy it, with its card, into your folder; its outputs become descriptors.

    Of a known model, whose card came with Lookalike, you bring the files: add faces --from YUNET.onnx SFACE.onnx
    (docs/how-to/faces.md says where they are had).
    """
    if bool(more) > bool(files) or (files and card):
        raise click.UsageError("add FILE.onnx [--card FILE.toml], or add NAME --from FILE...")
    if files:
        added = model_store.add_known(model, [*files, *more])
    else:
        added = model_store.add(Path(model), card or Path(model).with_suffix(".toml"))
    if as_json:
        print_json(model_store.info(added))
        return 0
    click.echo(f"added {added.name}: {', '.join(output.name for output in added.outputs)}")
    if files:
        click.echo(f"terms: {printable(added.licence)}")
        for weakness in added.weaknesses:
            click.echo(f"mind: {printable(weakness)}")
    return 0


@command.command("import")
@click.argument("folder", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--images", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Images of yours, to measure on."
)
@click.option("--name", help="Of the model and its descriptor.  [default: the folder's]")
@click.option(
    "--quantize", "int8", is_flag=True, help="Store the weights in 8 bits: half the size. What it costs is measured."
)
@click.option("--licence", metavar="TEXT", help="Of the weights.  [default: what README.md says in the folder]")
@json_option
def import_model(folder: Path, images: Path, name: str | None, int8: bool, licence: str | None, as_json: bool) -> int:
    """Import a network of the library transformers, CLIP, SigLIP, DINOv2 or ViT, from the folder PATH.

    It becomes a model like any other, and its vectors are compared with those that transformers gives on images of
    yours. With a text tower (CLIP, SigLIP) `search --text` goes by it in galleries that hold it. Nothing is downloaded.
    Needs the extra: pip install 'lookalike[import]'.
    """
    for package in IMPORTS:
        if find_spec(package) is None:
            raise MissingDependency(f"{package} is not installed; get it with: pip install 'lookalike[import]'")
    from lookalike.training.imported.import_model import ImportOptions
    from lookalike.training.imported.import_model import import_model as run

    options = ImportOptions(folder, images, name, int8, licence)
    added = run(options, lambda text: click.echo(printable(text), err=True))
    if as_json:
        print_json({**to_json(model_store.info(added)), "measured": added.measured})
        return 0
    click.echo(f"added {added.name}: {', '.join(output.name for output in added.outputs)}")
    for what, result in added.measured.items():
        click.echo(f"{what}: {result:.6f}")
    click.echo(f"terms: {printable(added.licence)}")
    return 0


@command.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> int:
    """Delete your model NAME. Galleries with its vectors cannot be opened until it is back."""
    removed = model_store.remove(name)
    if as_json:
        print_json({"name": removed.name, "path": removed.path})
    else:
        click.echo(f"removed {removed.name}")
    return 0


@command.command()
@click.argument("name", required=False)
@json_option
def verify(name: str | None, as_json: bool) -> int:
    """Check the model NAME, or all: the file's sha256, its input and outputs, and a trial run."""
    cards = [model_store.find(name)] if name else list(model_store.all_models())
    errors = {card.path: error for card in cards if (error := _error(card))}
    sound = [card.name for card in cards if card.path not in errors]
    failed = [Failure(path, str(error)) for path, error in errors.items()] + ([] if name else [*model_store.refused()])
    if as_json:
        print_json({"verified": sound, "failed": failed})
    else:
        for model in sound:
            click.echo(f"ok  {printable(model)}")
        print_failures(failed)
    codes = [error.exit_code for error in errors.values()]
    return max(codes, default=ModelCardInvalid.exit_code if failed else 0)


def _error(card: ModelCard) -> ModelError | MissingDependency | None:
    try:
        model_store.verify(card)
    except (ModelError, MissingDependency) as error:
        return error
    return None


def _base_model(base: BaseModel) -> tuple[tuple[str, str], ...]:
    return ("begun with", f"{base.name} ({base.licence}), {base.source}"), ("changed", base.changes)


def _classes(labels: Labels) -> str:
    count = plural(len(labels.names), "class", "classes")
    return f"{count} ({', '.join(labels.names)}), or nothing below {labels.abstain_below:g}"


def _images(named: DigestsFile) -> str:
    return f"{named.trained:,} trained on and {named.held_out:,} held out, known by their digests: {named.file}"


def _code(every_file_is_sound: bool) -> int:
    return 0 if every_file_is_sound else 1


def _row(info: ModelInfo) -> list[str]:
    names, dims = ", ".join(info.descriptors), ", ".join(map(str, info.descriptors.values()))
    return [info.name, names, dims, human_bytes(info.bytes), _origin(info), info.state, shown(info.path)]


def _origin(info: ModelInfo) -> str:
    return "shipped" if info.shipped else "own"


def _fit(fit: ImageFit) -> str:
    """How an image becomes the square, where that is not as Lookalike's own networks have it."""
    if fit == SQUEEZED:
        return ""
    cut = f", the middle at {fit.resize} pixels" if fit.method == "crop" else ", squeezed"
    return f"{cut}, {fit.resample}"


def _role(card: ModelCard) -> str:
    """What its files are for, besides the first."""
    return "found by" if card.faces else "texts by"


def _print(card: ModelCard, info: ModelInfo) -> None:
    spec = card.input
    lines = [
        ("model", f"{card.name} ({_origin(info)}, {info.state})"),
        ("file", f"{shown(str(card.onnx))}, {human_bytes(info.bytes)}"),
        ("sha256", card.sha256),
        *(((_role(card), f"{shown(str(file))}, sha256 {sha256}") for file, sha256 in card.files[1:])),
        ("licence", card.licence),
        ("source", card.source),
        ("input", f"{spec.side} x {spec.side} pixels, {spec.type}, {spec.layout}{_fit(spec.fit)}"),
        *(("output", f"{output.name}: {output.dim} numbers, {output.metric}") for output in card.outputs),
        *((("curve", f"fitted on {card.faces.fitted_on}"),) if card.faces else ()),
        *((("classes", _classes(card.labels)),) if card.labels else ()),
        *(pair for base in card.base_models for pair in _base_model(base)),
        *(("trained on", f"{training.data} ({training.terms})") for training in card.training),
        *((("images", _images(card.image_digests)),) if card.image_digests else ()),
        *(("measured", f"{what}: {result:g}") for what, result in card.measured.items()),
        *(("weakness", weakness) for weakness in card.weaknesses),
    ]
    for name, value in lines:
        click.echo(f"{name:>10}  {printable(value)}")

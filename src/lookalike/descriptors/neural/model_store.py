"""Find and check the models: ONNX files with a TOML card beside each; see docs/how-to/models.md.

The shipped ones lie in ``models/`` beside this file, the user's own in ``$LOOKALIKE_MODELS``, else in
``~/.lookalike/models``. Cards are read anew whenever a folder changes. A card that cannot be used does not stop
the others: ``refused`` says why.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from lookalike.descriptors.hashes import HASHES
from lookalike.descriptors.neural.face_model import FaceNetwork
from lookalike.descriptors.neural.image_digests import ImageDigests, image_digests, read_digests
from lookalike.descriptors.neural.model_card import ModelCard, read_card
from lookalike.descriptors.neural.onnx_model import Network, check_digest
from lookalike.descriptors.neural.onnx_model import network as _network
from lookalike.descriptors.neural.region_model import RegionNetwork
from lookalike.descriptors.neural.text_model import TextNetwork
from lookalike.errors import ModelCardInvalid, ModelDamaged, ModelError, ModelMissing, UserError
from lookalike.types import Failure

__all__ = [
    "ModelCard",
    "ModelInfo",
    "add",
    "add_known",
    "all_models",
    "faces",
    "find",
    "folder",
    "info",
    "is_shipped",
    "known_names",
    "network",
    "read_card",
    "refused",
    "remove",
    "shipped",
    "text",
    "trained_on",
    "users",
    "verify",
]

SHIPPED = Path(__file__).with_name("models")
KNOWN = Path(__file__).with_name("known")  # cards without their files: models of others, that a user may have
FOLDER = "~/.lookalike/models"
VARIABLE = "LOOKALIKE_MODELS"

State = Literal["ok", "missing", "damaged"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model in a line. ``descriptors``: name -> dim; ``bytes``: of the files that it computes with, 0 for one that is
    missing."""

    name: str
    descriptors: Mapping[str, int]
    bytes: int
    shipped: bool
    state: State
    path: str


# --- finding them


def folder() -> Path:
    """Where the user's models lie; it need not exist."""
    return Path(os.path.abspath(os.path.expanduser(os.environ.get(VARIABLE) or FOLDER)))


def shipped() -> tuple[ModelCard, ...]:
    """The models that came with Lookalike, by name. Only cards are read; the ONNX files may be missing."""
    return tuple(card for card in all_models() if is_shipped(card))


def users() -> tuple[ModelCard, ...]:
    """The user's own models, by name. Only cards are read; the ONNX files may be missing."""
    return tuple(card for card in all_models() if not is_shipped(card))


def all_models() -> tuple[ModelCard, ...]:
    """The shipped models, then the user's own. Only cards are read; the ONNX files may be missing."""
    return _survey(_cards_in(SHIPPED), _cards_in(folder()))[0]


def refused() -> tuple[Failure, ...]:
    """The cards that lie there and cannot be used, and why."""
    return _survey(_cards_in(SHIPPED), _cards_in(folder()))[1]


def is_shipped(card: ModelCard) -> bool:
    """Whether this model came with Lookalike."""
    return Path(card.path).parent == SHIPPED


def find(name: str) -> ModelCard:
    """The model of this name. Raises UserError that lists those that there are."""
    for card in all_models():
        if card.name == name:
            return card
    known = ", ".join(card.name for card in all_models()) or "none"
    raise UserError(f"no model {name!r}; there are: {known}")


@dataclass(frozen=True, slots=True)
class _CardFile:
    """A card on the disk; it is read again when one of these changes."""

    path: str
    size: int = 0
    mtime_ns: int = 0
    inode: int = 0


def _cards_in(place: Path) -> tuple[_CardFile, ...]:
    """In the order of their names. A folder that cannot be listed counts as a card that cannot be read."""
    try:
        found = sorted(path for path in os.listdir(place) if path.endswith(".toml"))
    except FileNotFoundError:
        return ()
    except OSError:
        return (_CardFile(str(place)),)
    return tuple(_stamped(place / name) for name in found)


def _stamped(path: Path) -> _CardFile:
    try:
        stat = path.stat()
    except OSError:  # gone in this moment, or a link to nowhere: whoever reads it says so
        return _CardFile(str(path))
    return _CardFile(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)


@lru_cache(maxsize=4)
def _survey(
    ours: tuple[_CardFile, ...], theirs: tuple[_CardFile, ...]
) -> tuple[tuple[ModelCard, ...], tuple[Failure, ...]]:
    """The cards that can be used, and those that cannot. A name belongs to whoever had it first."""
    cards: list[ModelCard] = []
    failures: list[Failure] = []
    for file in (*ours, *theirs):
        try:
            card = read_card(Path(file.path))
            _refuse_known(card, cards)
            cards.append(card)
        except (ModelCardInvalid, UserError) as error:
            failures.append(Failure(file.path, str(error).removeprefix(f"{file.path}: ")))
    return tuple(cards), tuple(failures)


def _refuse_known(card: ModelCard, others: list[ModelCard]) -> None:
    if card.name in {other.name for other in others}:
        raise UserError(f"{card.path}: there is a model {card.name!r} already; choose another name")
    taken = {output.name: f"the model {other.name!r}" for other in others for output in other.outputs}
    taken |= dict.fromkeys(HASHES, "Lookalike itself")
    for output in card.outputs:
        if output.name in taken:
            raise UserError(
                f"{card.path}: there is a descriptor {output.name!r} already, of {taken[output.name]}; "
                "give the output another name, in the ONNX file and on the card"
            )


# --- checking them


def network(card: ModelCard) -> Network:
    """The network of a card, one for the whole process; the ONNX file is not looked at yet."""
    return _network(card.onnx, card.sha256, card.input, card.outputs, card.labels)


def regions(card: ModelCard) -> RegionNetwork:
    """The network of a card with a table [regions], one for the whole process; the file is not looked at yet."""
    if card.regions is None:
        raise UserError(f"{card.path}: this model gives no regions: its card has no table [regions]")
    return _regions(card.onnx, card.sha256, card.input, card.outputs[0], card.regions)


_regions = cache(RegionNetwork)


def faces(card: ModelCard) -> FaceNetwork:
    """The network of a card with a table [faces], one for the whole process; its files are not looked at yet."""
    if card.faces is None:
        raise UserError(f"{card.path}: this model gives no faces: its card has no table [faces]")
    return _faces(card.onnx, card.sha256, card.input, card.outputs[0], card.faces)


_faces = cache(FaceNetwork)


def text(card: ModelCard) -> TextNetwork:
    """The text tower of a card with a table [text], one for the whole process; its files are not looked at yet."""
    if card.text is None:
        raise UserError(f"{card.path}: this model reads no texts: its card has no table [text]")
    return _text(card.onnx.parent, card.text, _text_dim(card))


_text = cache(TextNetwork)


def _text_dim(card: ModelCard) -> int:
    return next(output.dim for output in card.outputs if card.text and output.name == card.text.output)


def verify(card: ModelCard) -> None:
    """Check that the ONNX file is the one of its card, has the card's input and outputs, and gives finite vectors.

    The same for the file of its images, if the card names one. Raises ModelMissing, ModelDamaged (other bytes, or they
    do not run) or ModelCardInvalid (other input or outputs).
    """
    trained_on(card)
    if card.faces:
        FaceNetwork(card.onnx, card.sha256, card.input, card.outputs[0], card.faces).smoke_test()
        return
    if card.regions:
        RegionNetwork(card.onnx, card.sha256, card.input, card.outputs[0], card.regions).smoke_test()
        return
    Network(card.onnx, card.sha256, card.input, card.outputs, card.labels).smoke_test()
    if card.text:
        for file, sha256 in card.files:
            check_digest(file, sha256)
        TextNetwork(card.onnx.parent, card.text, _text_dim(card)).smoke_test()


def trained_on(card: ModelCard) -> ImageDigests:
    """Which images the model was trained on; none if its card does not say. Raises ModelMissing, ModelDamaged."""
    if not (card.image_digests and card.digests):
        return image_digests((), ())
    return read_digests(card.digests, card.image_digests)


def info(card: ModelCard) -> ModelInfo:
    """A line about a model. Its bytes are checked against the card, without running it."""
    return ModelInfo(
        name=card.name,
        descriptors={output.name: output.dim for output in card.outputs},
        bytes=sum(file.stat().st_size for file, _ in card.files if file.is_file()),
        shipped=is_shipped(card),
        state=_state(card),
        path=card.path,
    )


def _state(card: ModelCard) -> State:
    try:
        for file, sha256 in card.files:
            check_digest(file, sha256)
        trained_on(card)
    except ModelMissing:
        return "missing"
    except ModelDamaged:
        return "damaged"
    return "ok"


# --- adding and removing


def add(onnx: Path, card: Path, others: Sequence[Path] = ()) -> ModelCard:
    """Copy a model into the user's folder, if it is sound; returns its card there. ``others``: what else its card
    names, where that does not lie beside the card.

    Raises UserError if its name or a descriptor's is taken, and what ``read_card`` and ``verify`` raise. Until all is
    well nothing is seen of it.
    """
    given = read_card(card)
    _refuse_known(given, list(all_models()))
    draft = folder() / f".{uuid.uuid4().hex[:8]}.draft"
    try:
        return _moved_in(_drafted(onnx, card, given, draft, others))
    except OSError as error:
        raise ModelError(f"{folder()}: cannot add a model: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def known_names() -> list[str]:
    """The models of others whose cards came with Lookalike, and whose files did not."""
    return sorted(file.stem for file in KNOWN.glob("*.toml"))


def add_known(name: str, files: Sequence[Path]) -> ModelCard:
    """Add a model of ``known_names`` from its files, which are told by their bytes, whatever they are called.

    Raises UserError for an unknown name, for a file that is missing, and for one that is none of the model's."""
    card_file = KNOWN / f"{name}.toml"
    if name not in known_names():
        raise UserError(f"no card of a model {name!r} came with Lookalike; there are {', '.join(known_names())}")
    card = read_card(card_file)
    given = {_digest(file): file for file in files}
    needed = {sha256: file.name for file, sha256 in card.files}
    if strange := [str(file) for sha256, file in given.items() if sha256 not in needed]:
        raise UserError(
            f"{', '.join(strange)}: none of the files of {name!r}, which are told by their sha256; it needs "
            + _needed(needed)
        )
    if lacking := {sha256: file for sha256, file in needed.items() if sha256 not in given}:
        raise UserError(f"{name!r} needs {_needed(lacking)} as well: name all of its files at once, --from FILE...")
    draft = folder() / f".{uuid.uuid4().hex[:8]}.files"
    try:
        draft.mkdir(parents=True)
        for sha256, file in needed.items():
            shutil.copyfile(given[sha256], draft / file)
        return add(draft / card.file, card_file, [draft / file for file in needed.values()])
    except OSError as error:
        raise ModelError(f"{folder()}: cannot add a model: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _needed(files: Mapping[str, str]) -> str:
    return " and ".join(f"{file} (sha256 {sha256})" for sha256, file in files.items())


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error


def _drafted(onnx: Path, card: Path, given: ModelCard, draft: Path, others: Sequence[Path]) -> ModelCard:
    """Copied first and then checked, so that what is checked is what stays."""
    if not onnx.is_file():
        raise UserError(f"{onnx}: no such file")
    draft.mkdir(parents=True)
    shutil.copyfile(onnx, draft / given.file)
    shutil.copyfile(card, draft / f"{given.name}.toml")
    there = {file.name: file for file in others}
    for name, what in _named_files(given):
        file = there.get(name, card.with_name(name))
        if not file.is_file():
            raise UserError(f"{file}: no such file; the card names it, {what}")
        shutil.copyfile(file, draft / name)
    copied = read_card(draft / f"{given.name}.toml")
    try:
        verify(copied)
    except ModelError as error:
        raise type(error)(str(error).replace(str(copied.onnx), str(onnx))) from error
    return copied


def _named_files(card: ModelCard) -> list[tuple[str, str]]:
    """Besides the ONNX file that the card is of, and what they are to it."""
    named = [(card.faces.detector.file, "the detector of its faces")] if card.faces else []
    if card.text:
        named += [(one.file, "for texts") for one in card.text.files]
    if card.image_digests:
        named.append((card.image_digests.file, "with the images that the model was trained on"))
    return named


def _moved_in(copied: ModelCard) -> ModelCard:
    """The card goes last: it is what makes a model known."""
    path = folder() / f"{copied.name}.toml"
    card = replace(copied, path=str(path))
    shared = _shared_file(copied, path)
    files = [(copied.onnx.with_name(name), path.with_name(name)) for name in _own_files(copied) if name != shared]
    for place in (path, *(to for _, to in files)):
        if place.exists():
            raise UserError(f"{place}: there is such a file already; remove it, or give the model another name")
    for here, to in files:
        here.rename(to)
    Path(copied.path).rename(path)
    return card


def _shared_file(card: ModelCard, path: Path) -> str | None:
    """The detector's, if the very same one lies there for another model of faces."""
    if card.faces is None:
        return None
    found = card.faces.detector
    place = path.with_name(found.file)
    return found.file if place.is_file() and _digest(place) == found.sha256 else None


def _own_files(card: ModelCard) -> list[str]:
    return [card.file, *(name for name, _ in _named_files(card))]


def remove(name: str) -> ModelCard:
    """Delete one of the user's models; returns what its card said. Raises UserError for any other name."""
    card = find(name)
    if is_shipped(card):
        raise UserError(f"{name!r} came with Lookalike and stays; only models that were added can be removed")
    try:
        Path(card.path).unlink()
        others = {file for other in all_models() for file in _own_files(other) if not is_shipped(other)}
        for file in set(_own_files(card)) - others:
            card.onnx.with_name(file).unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{card.path}: cannot be removed: {error.strerror or error}") from error
    return card

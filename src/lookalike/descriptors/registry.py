"""Every descriptor by its name: the hashes, the outputs of neural models, and what others add.

``HASHES`` is the table of the first, neural/model_store.py finds the second, plugins.py the third: ``register`` for a
program's own, the entry-point group ``lookalike.descriptors`` for a package's. A name belongs to whoever comes first in
this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from lookalike.descriptors import plugins
from lookalike.descriptors.base import Described, Descriptor, DescriptorCard, thumbnail
from lookalike.descriptors.hashes import HASHES
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.face_model import FaceNetwork
from lookalike.descriptors.neural.model_card import ModelCard
from lookalike.descriptors.neural.onnx_model import Network, Neural
from lookalike.descriptors.neural.region_model import RegionDescriptor
from lookalike.descriptors.neural.text_model import TextNetwork
from lookalike.errors import LookalikeError, UserError
from lookalike.types import Failure, Image


def register(descriptor: str | DescriptorCard, factory: plugins.Factory) -> None:
    """Add a descriptor to this process, by its name or its card. ``factory`` makes it when it is first asked for.

    Other processes do not know it: for the command line and the service, a package declares an entry point instead.
    Raises UserError for a name that cannot be one, or that is taken."""
    name = descriptor.name if isinstance(descriptor, DescriptorCard) else descriptor
    if name in _own_names():
        raise UserError(f"there is a descriptor {name!r} already, of Lookalike or of a model; choose another name")
    plugins.add(name, factory)


def names() -> list[str]:
    """Every descriptor that can be used: the hashes, those of the models that are shipped, of the user's own models, of
    this program, and of installed packages. One that is broken is left out; ``refused`` tells why."""
    others = [*plugins.registered(), *plugins.installed().plugins]
    own = _own_names()
    return [*own, *(name for name in dict.fromkeys(others) if name not in own and _trouble(name) is None)]


def exists(name: str) -> bool:
    """Whether there is a descriptor of this name. Those that others bring are looked at last, and are not made."""
    return name in _own_names() or name in plugins.registered() or name in plugins.installed().plugins


def get(name: str) -> Descriptor:
    """The descriptor of this name; each is made once. Raises UserError that names the known ones, DescriptorBroken for
    one of another package's that cannot be made."""
    if name in HASHES:
        return _hash(name)
    model = _model_of(name)
    if model is not None:
        return _of_model(model, name)
    found = plugins.find(name)
    if found is not None:
        return found
    raise UserError(f"no descriptor {name!r}; there are {', '.join(names())}{_refused()}{_of_others(name)}")


def _of_others(name: str) -> str:
    """How a model is had whose card came with Lookalike, and whose files did not."""
    known = name in model_store.known_names()
    return f"; `lookalike models add {name} --from FILE...` adds it, once you have its files" if known else ""


def refused() -> tuple[Failure, ...]:
    """The descriptors of other packages, and the models' cards, that are there and cannot be used, and why."""
    survey, own = plugins.installed(), _own_names()
    reasons = {name: _taken(name) if name in own else _trouble(name) for name in survey.plugins}
    unusable = [Failure(survey.plugins[name].origin, reason) for name, reason in reasons.items() if reason]
    return (*model_store.refused(), *survey.refused, *unusable)


def _of_model(model: ModelCard, name: str) -> Descriptor:
    if model.faces:
        return model_store.faces(model)
    return model_store.regions(model) if model.regions else model_store.network(model).descriptors[name]


def region_network(name: str) -> RegionDescriptor:
    """The network of regions, or of faces, of this name. Raises UserError for any other descriptor."""
    found = get(name)
    if isinstance(found, RegionDescriptor):
        return found
    known = [o.name for model in model_store.all_models() if model.regions or model.faces for o in model.outputs]
    raise UserError(f"{name!r} gives no regions; of those that do there is {', '.join(known) or 'none'}")


def face_network(name: str) -> FaceNetwork:
    """The network of faces of this name. Raises UserError for any other descriptor, and says how one is had."""
    known = face_names()
    if name in known:
        return model_store.faces(next(model for model in model_store.all_models() if _has_output(model, name)))
    raise UserError(
        f"no network of faces {name!r}; there is {', '.join(known) or 'none'}. Lookalike ships none: "
        "docs/how-to/faces.md says where two free ones are had; `lookalike models add faces --from FILE...` adds them"
    )


def face_names() -> list[str]:
    """The descriptors of faces that there are."""
    return [output.name for model in model_store.all_models() if model.faces for output in model.outputs]


def text_network(name: str) -> TextNetwork | None:
    """The text tower whose vectors are compared with those of the descriptor ``name``; None if it has none."""
    model = _model_of(name)
    return model_store.text(model) if model and model.text and model.text.output == name else None


def shipped_names() -> list[str]:
    """The hashes and the outputs of the shipped networks that describe whole images: what a comparison tells."""
    networks = [o.name for model in model_store.shipped() if not model.regions for o in model.outputs if not o.tags]
    return [*HASHES, *networks]


def _own_names() -> list[str]:
    return [*HASHES, *(output.name for model in model_store.all_models() for output in model.outputs)]


def _model_of(name: str) -> ModelCard | None:
    return next((model for model in model_store.all_models() if _has_output(model, name)), None)


def _has_output(model: ModelCard, name: str) -> bool:
    return name in {output.name for output in model.outputs}


@cache
def _hash(name: str) -> Descriptor:
    return HASHES[name]()


def _trouble(name: str) -> str | None:
    """Why a descriptor that others bring cannot be used; None if it can, or if there is none."""
    try:
        plugins.find(name)
    except LookalikeError as error:
        return str(error)
    return None


def _taken(name: str) -> str:
    return f"there is a descriptor {name!r} already, of Lookalike or of a model; the package needs another name"


def _refused() -> str:
    return "".join(f"\nrefused: {failure.path}: {failure.reason}" for failure in refused())


def describe_all(images: Sequence[Image], names: Sequence[str]) -> dict[str, Described]:
    """Describe N images with several descriptors: name -> vectors and contrast, as each alone gives.

    What several of them begin with, a small image, is made once; the outputs of one network take one pass.
    """
    descriptors = {name: get(name) for name in names}
    small = images
    if any(descriptor.card.thumbnail_input for descriptor in descriptors.values()):
        small = [replace(image, pixels=thumbnail(image.pixels)) for image in images]
    described = {
        name: descriptor.describe(small if descriptor.card.thumbnail_input else images)
        for name, descriptor in descriptors.items()
        if not isinstance(descriptor, Neural)
    }
    for network, outputs in _by_network(descriptors).items():
        described |= network.describe(images, outputs)
    return {name: described[name] for name in descriptors}


def _by_network(descriptors: Mapping[str, Descriptor]) -> dict[Network, list[str]]:
    found: dict[Network, list[str]] = {}
    for name, descriptor in descriptors.items():
        if isinstance(descriptor, Neural):
            found.setdefault(descriptor.network, []).append(name)
    return found


def min_side(names: Sequence[str]) -> int:
    """Pixels: the shortest side that a decoded image must keep for all of these; 1 for none."""
    return max((get(name).card.min_side for name in names), default=1)

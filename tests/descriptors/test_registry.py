"""The registry: descriptors of this program and of other packages stand beside our own, and never in their way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookalike.descriptors import (
    HASHES,
    Described,
    DescriptorCard,
    describe_all,
    exists,
    get,
    names,
    plugins,
    refused,
    register,
)
from lookalike.descriptors.fusion import parse_by
from lookalike.errors import DescriptorBroken, UserError
from lookalike.imaging import from_array
from lookalike.types import Image
from outsider import NAME, install_package
from samples import drawn

CARD = DescriptorCard("redness", 1, "euclidean", 1, 32, 64, 0.01, 0.3, "the mean of red")


class Redness:
    """A descriptor that a program makes for itself."""

    card = CARD

    def describe(self, images: Sequence[Image]) -> Described:
        vectors = np.array([[image.pixels[..., 0].mean() / 255] for image in images], np.float32)
        return Described(vectors, np.ones(len(images), np.float32))


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it, and what is installed is looked at anew."""
    for table in ("_REGISTERED", "_MADE", "_BROKEN"):
        monkeypatch.setattr(plugins, table, {})
    plugins._survey.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for packages that Python imports from."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield tmp_path / "site"
    plugins._survey.cache_clear()
    for name in [name for name in sys.modules if name.startswith("outsider_")]:
        del sys.modules[name]


@pytest.mark.parametrize("descriptor", ["redness", CARD], ids=["name", "card"])
def test_what_is_registered_is_a_descriptor(descriptor: str | DescriptorCard) -> None:
    """By its name or its card: it is listed last, made once when asked for, and describes beside the others."""
    made = []
    register(descriptor, lambda: made.append(1) or Redness())
    assert (names()[: len(HASHES)], exists("redness")) == (list(HASHES), True)
    assert names()[-1] == "redness"
    assert get("redness") is get("redness")
    assert made == [1]
    images = [from_array(drawn(seed)) for seed in range(3)]
    described = describe_all(images, ["structure", "redness"])
    assert described["redness"].vectors[:, 0].tolist() == pytest.approx(
        [image.pixels[..., 0].mean() / 255 for image in images]
    )
    assert parse_by("redness=1,structure=3").weights == {"redness": 0.25, "structure": 0.75}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("colour", "already, of Lookalike or of a model"),
        ("copy", "already, of Lookalike or of a model"),
        ("blend", "is no name for a descriptor"),
        ("a=2,b", "is no name for a descriptor"),
        ("", "is no name for a descriptor"),
        ("redness", "there is a descriptor 'redness' already"),
    ],
)
def test_a_name_that_is_taken_or_none(name: str, why: str) -> None:
    """Names of ours, of models, of the program itself, and what cannot be one, are refused; nothing changes by it."""
    register("redness", Redness)
    before = names()
    with pytest.raises(UserError, match=why):
        register(name, Redness)
    assert names() == before


def fails() -> Redness:
    raise RuntimeError("no licence found")


def other_name() -> Redness:
    made = Redness()
    made.card = replace(CARD, name="blueness")
    return made


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        (fails, "RuntimeError: no licence found"),
        (other_name, "its card has another name, 'blueness'"),
        (object, "AttributeError"),
        (type("CardAlone", (), {"card": CARD}), "that has a card and describe"),
    ],
)
def test_a_broken_one_is_named_and_the_rest_works(factory: Callable[[], Redness], why: str) -> None:
    """Whoever asks for it hears which descriptor it is and why; it is not listed, and the others are as before."""
    before = names()
    register("redness", factory)
    with pytest.raises(DescriptorBroken, match=rf"'redness' of this program cannot be used: .*{why}"):
        get("redness")
    assert names() == before
    assert get("structure").card.name == "structure"


def test_an_installed_package_brings_a_descriptor(site: Path) -> None:
    """Its entry point is found, its module is imported when it is asked for, and it describes."""
    install_package(site)
    assert exists(NAME)
    assert "outsider_descriptor" not in sys.modules
    assert get(NAME).card.name == NAME
    assert names()[-1] == NAME
    assert get(NAME).describe([from_array(drawn(1))]).vectors.shape == (1, 16)
    assert refused() == ()


def test_what_a_package_brings_in_vain(site: Path) -> None:
    """A taken name, no name, code that fails, an object that is no descriptor, a module that is not there: each is
    refused with the package and the reason, and what else the package brings works."""
    points = {
        "colour": "Greyness",
        "blend": "Greyness",
        "failing": "out_of_order",
        "hollow": "nothing",
        "missing": "NotThere",
        NAME: "Greyness",
    }
    install_package(site, points)
    found = {failure.reason: failure.path for failure in refused()}
    assert set(found.values()) == {"outsider-descriptor 2.1", "the package outsider-descriptor 2.1"}
    for why in (
        "'colour' already, of Lookalike",
        "'blend' is no name",
        "'failing' of the package outsider-descriptor 2.1 cannot be used: RuntimeError: no licence found",
        "'hollow' of the package outsider-descriptor 2.1 cannot be used: AttributeError",
        "'missing' of the package outsider-descriptor 2.1 cannot be used: AttributeError",
    ):
        assert any(why in reason for reason in found), why
    assert len(found) == 5
    assert names()[-1] == NAME
    assert get("colour").card.source.startswith("ISO")
    with pytest.raises(UserError, match=r"no descriptor 'nonsense'(.|\n)*refused: .*no licence found"):
        get("nonsense")


def test_two_packages_with_one_name(site: Path) -> None:
    """The first by its name has it; the other is refused."""
    install_package(site)
    install_package(site, package="outsider-second")
    assert get(NAME).card.name == NAME
    (failure,) = refused()
    assert failure.path == "outsider-second 2.1"
    assert failure.reason == f"there is a descriptor '{NAME}' already, of the package outsider-descriptor 2.1"


def test_known_names_need_no_look_at_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed packages are scanned for an unknown name and for a list, not for our own descriptors."""

    def scanned() -> plugins.Survey:
        raise LookupError

    monkeypatch.setattr(plugins, "_survey", scanned)
    for name in (*HASHES, "copy", "content"):
        assert get(name).card.name == name
        assert exists(name)
    assert parse_by("colour=1,copy=1").names == ("colour", "copy")
    with pytest.raises(LookupError):
        names()
    with pytest.raises(LookupError):
        get("unknown")

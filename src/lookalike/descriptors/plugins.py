"""Descriptors from outside: what a program registers, and what installed packages declare.

A package declares one in its metadata, in the entry-point group ``lookalike.descriptors``; in its pyproject.toml::

    [project.entry-points."lookalike.descriptors"]
    edges = "my_package.edges:Edges"

The entry point's name is the descriptor's, its object a factory: a class or a function that takes nothing and gives a
``Descriptor``. Installed packages are scanned when a name is asked for that Lookalike does not know itself, or when all
names are listed; never by ``import lookalike``. A package that fails does not stop the others: ``refused`` tells why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING

from lookalike.descriptors.base import NAME, RESERVED, Descriptor, DescriptorCard
from lookalike.errors import DescriptorBroken, UserError
from lookalike.types import Failure

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "lookalike.descriptors"

Factory = Callable[[], Descriptor]


@dataclass(frozen=True, slots=True)
class Plugin:
    """A descriptor from outside. ``origin``: who brought it, for messages: "the package my-package 1.0"."""

    name: str
    origin: str
    load: Callable[[], Factory]

    def make(self) -> Descriptor:
        """The descriptor. Raises DescriptorBroken if its code fails or gives something else."""
        try:
            made = self.load()()
            card = made.card
        except Exception as error:  # whatever a package of somebody else's raises
            raise DescriptorBroken(self._message(f"{type(error).__name__}: {error}")) from error
        if not isinstance(card, DescriptorCard) or not callable(getattr(made, "describe", None)):
            raise DescriptorBroken(self._message("its factory gives no descriptor: that has a card and describe()"))
        if card.name != self.name:
            raise DescriptorBroken(self._message(f"its card has another name, {card.name!r}"))
        return made

    def _message(self, reason: str) -> str:
        return f"the descriptor {self.name!r} of {self.origin} cannot be used: {reason}"


@dataclass(frozen=True, slots=True)
class Survey:
    """What the installed packages declare: those with a usable name, and those without."""

    plugins: dict[str, Plugin] = field(default_factory=dict)
    refused: tuple[Failure, ...] = ()


ALLOWED = f"letters, digits, _ . -, at most 64, and not {', '.join(map(repr, RESERVED))}"
_REGISTERED: dict[str, Plugin] = {}
_MADE: dict[str, Descriptor] = {}
_BROKEN: dict[str, str] = {}  # name -> why; its code is not run again
_LOCK = RLock()


def add(name: str, factory: Factory) -> None:
    """Register a descriptor for this process. Raises UserError for a name that is none, or that is registered."""
    with _LOCK:
        if not is_valid(name):
            raise UserError(f"{name!r} is no name for a descriptor: {ALLOWED}")
        if name in _REGISTERED or name in _MADE:
            raise UserError(f"there is a descriptor {name!r} already; choose another name")
        _REGISTERED[name] = Plugin(name, "this program", lambda: factory)


def is_valid(name: str) -> bool:
    """Whether a descriptor may have this name."""
    return NAME.fullmatch(name) is not None and name not in RESERVED


def registered() -> list[str]:
    """The names that this program has registered."""
    return list(_REGISTERED)


def installed() -> Survey:
    """What the installed packages declare; they are scanned once."""
    return _survey()


@cache
def _survey() -> Survey:
    from importlib.metadata import entry_points  # takes time: not before somebody asks

    plugins: dict[str, Plugin] = {}
    failures: list[Failure] = []
    for point in sorted(entry_points(group=GROUP), key=lambda one: (one.name, _package(one))):
        if not is_valid(point.name):
            failures.append(Failure(_package(point), f"{point.name!r} is no name for a descriptor: {ALLOWED}"))
        elif point.name in plugins:
            taken = f"there is a descriptor {point.name!r} already, of {plugins[point.name].origin}"
            failures.append(Failure(_package(point), taken))
        else:
            plugins[point.name] = Plugin(point.name, f"the package {_package(point)}", point.load)
    return Survey(plugins, tuple(failures))


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def find(name: str) -> Descriptor | None:
    """The descriptor of this name, made once, or None if nobody brings one. Raises DescriptorBroken."""
    with _LOCK:
        if name in _BROKEN:
            raise DescriptorBroken(_BROKEN[name])
        plugin = _REGISTERED.get(name) or installed().plugins.get(name)
        if name not in _MADE and plugin is not None:
            _MADE[name] = _made(plugin)
        return _MADE.get(name)


def _made(plugin: Plugin) -> Descriptor:
    try:
        return plugin.make()
    except DescriptorBroken as error:
        _BROKEN[plugin.name] = str(error)
        raise

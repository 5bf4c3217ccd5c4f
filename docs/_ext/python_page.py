"""The reference of a sub-package: every module of it that has anything public, from the docstrings."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from markup import code

import lookalike

SHOWN = {
    id(getattr(lookalike, name)) for name in lookalike.__all__ if not name.startswith("_")
}  # on a page of their own


def markdown(package: str) -> str:
    """One section for the package and one for each module below it, in the order of their names."""
    found = importlib.import_module(package)
    below = pkgutil.walk_packages(getattr(found, "__path__", ()), f"{package}.")
    modules = [found, *(importlib.import_module(one.name) for one in below if _is_public(one.name))]
    return "\n\n".join(
        _section(module, top=module is found) for module in modules if module is found or _has_text(module)
    )


def _is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def public(module: ModuleType) -> list[str]:
    """The functions and classes that are written in this module, but for those on the first page."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__ and id(value) not in SHOWN
    ]


def _has_text(module: ModuleType) -> bool:
    return bool(public(module)) or hasattr(module, "__path__")


def _section(module: ModuleType, top: bool) -> str:
    exported = [name for name in getattr(module, "__all__", ()) if hasattr(module, "__path__")]
    parts = [
        "" if top else f"## {module.__name__}",
        _directive("automodule", module.__name__, [] if public(module) else ["no-members"], public(module)),
        f"It exports {', '.join(map(code, sorted(exported)))}." if exported else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _directive(kind: str, name: str, options: list[str], members: list[str]) -> str:
    lines = [f".. {kind}:: {name}", *(f"   :{option}:" for option in options)]
    if members:
        lines.append(f"   :members: {', '.join(members)}")
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```"

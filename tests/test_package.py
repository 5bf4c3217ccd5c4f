"""What ``lookalike`` offers at its top: public names, and sub-packages that no function hides."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import lookalike


@pytest.mark.parametrize("room", ["imaging", "descriptors", "comparison", "gallery", "evaluation", "report", "service"])
def test_a_package_is_a_module(room: str) -> None:
    """`import lookalike.ROOM as r` gives the package, whatever was imported before."""
    module = importlib.import_module(f"lookalike.{room}")
    assert sys.modules[f"lookalike.{room}"] is module
    assert getattr(lookalike, room) is module


def test_no_function_has_the_name_of_a_package() -> None:
    """Of the public names none is a module's too, so that importing one never replaces the other."""
    modules = {module.name for module in pkgutil.iter_modules(lookalike.__path__)}
    assert {"imaging", "descriptors", "comparison"} <= modules
    assert modules & set(lookalike.__all__) == set()


def test_functions_stay_functions() -> None:
    """After every package at the top was imported, load, describe and compare are what they were."""
    script = """
import lookalike
before = lookalike.load, lookalike.describe, lookalike.compare
import lookalike.imaging, lookalike.descriptors, lookalike.comparison.explain.draw, lookalike.gallery
assert (lookalike.load, lookalike.describe, lookalike.compare) == before
assert all(map(callable, before))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_dir_lists_what_is_offered() -> None:
    """`dir(lookalike)` lists every public name, Gallery among them, before it was used, and each is there."""
    script = """
import lookalike, sys
assert "lookalike.gallery" not in sys.modules
assert dir(lookalike) == sorted(lookalike.__all__)
assert "Gallery" in dir(lookalike)
assert all(hasattr(lookalike, name) for name in dir(lookalike))
assert lookalike.Gallery.__module__ == "lookalike.gallery.gallery"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

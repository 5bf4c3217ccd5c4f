"""What is handed on: a wheel and a source distribution with the licence and the notice of what is in them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lookalike.descriptors.neural import model_store

ROOT = Path(__file__).parents[1]
WHEEL = "from setuptools import build_meta; build_meta.build_wheel('.')"
BUILD = f"{WHEEL}; build_meta.build_sdist('.')"
FILES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")
MAX_WHEEL, MAX_MODELS = 20_000_000, 16_000_000  # bytes
WEIGHTS_AND_IMAGES = {".pt", ".pth", ".npy", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".zip", ".db"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, made by this project's settings of one module: the others would only take time."""
    folder = tmp_path_factory.mktemp("built")
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    (folder / "src" / "lookalike").mkdir(parents=True)
    shutil.copy(ROOT / "src" / "lookalike" / "version.py", folder / "src" / "lookalike")
    (folder / "src" / "lookalike" / "__init__.py").write_text("")
    subprocess.run([sys.executable, "-c", BUILD], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_licence_and_notice_are_handed_on(built: Path, name: str) -> None:
    """Both files, byte by byte, are in the wheel, where pip looks for licences, and in the source distribution."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        (inside,) = [one for one in wheel.namelist() if one.endswith(f".dist-info/licenses/{name}")]
        assert wheel.read(inside) == (ROOT / name).read_bytes()
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        (member,) = [one for one in sdist.getmembers() if one.name.count("/") == 1 and one.name.endswith(f"/{name}")]
        file = sdist.extractfile(member)
        assert file is not None
        assert file.read() == (ROOT / name).read_bytes()


def test_the_notice_names_what_the_shipped_networks_began_with() -> None:
    """Each network that a shipped card began with, but for our own, stands in NOTICE with its licence."""
    notice = " ".join((ROOT / "NOTICE").read_text("utf-8").split())
    assert "EfficientNet-Lite0, ImageNet" in notice
    bases = {
        base for card in model_store.shipped() for base in card.base_models if base.source != "comes with Lookalike"
    }
    assert [base.name for base in bases if base.name not in notice] == []


def test_the_wheel_is_small(tmp_path: Path) -> None:
    """All of it takes 20 MB at most and its networks 16: those that ship and nothing to train with, neither images nor
    weights; and torch is asked for by an extra alone."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "src" / "lookalike", tmp_path / "src" / "lookalike")
    subprocess.run([sys.executable, "-c", WHEEL], cwd=tmp_path, check=True, capture_output=True)
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        files = {Path(one.filename): one.file_size for one in wheel.infolist()}
        metadata = wheel.read(next(str(one) for one in files if one.name == "METADATA")).decode()
    models = {one.name: size for one, size in files.items() if one.suffix == ".onnx"}
    asked = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert path.stat().st_size <= MAX_WHEEL
    assert set(models) == {card.onnx.name for card in model_store.shipped()}
    assert sum(models.values()) <= MAX_MODELS
    assert [one for one in files if one.suffix in WEIGHTS_AND_IMAGES] == []
    assert [line for line in asked if "torch" in line] == []
    assert len(asked) > 5

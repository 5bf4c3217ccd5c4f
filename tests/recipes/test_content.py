"""The recipe of `content`, run whole on a few images with an untrained teacher."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from lookalike.descriptors.neural.model_store import read_card, verify
from lookalike.training.models.separable_trunk import separable_trunk
from samples import folder_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images, and a teacher of random weights."""
    from benchmarks.sides.mobilenet import _random
    from recipes.teacher import build

    data = tmp_path_factory.mktemp("content")
    folder_of(data / "things", 12)
    onnx.save(build(_random()), data / "teacher.onnx")
    return data


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    """The recipe and its crops, made small."""
    monkeypatch.syspath_prepend(str(ROOT / "recipes"))
    import content
    import content_crops

    sources = {
        "whole": content_crops.Source(("things",), (1.0, 0.5)),
        "mosaic": content_crops.Source(("things",), (0.6,), tiles=2, part=(0, 12)),
    }
    monkeypatch.setattr(content_crops, "SOURCES", sources)
    for name, value in {
        "SOURCE_FRACTIONS": dict.fromkeys(sources, 0.5),
        "BATCH": 4,
        "HELD_OUT": 1,
        "STEPS": (2, 2, 1),
    }.items():
        monkeypatch.setattr(content, name, value)
    return content, content_crops


def test_crops(recipe: tuple[ModuleType, ModuleType], data: Path) -> None:
    """What is kept of a crop is what the teacher says of it, to half a step; a second call reads and makes nothing."""
    crops = recipe[1]
    made = crops.read(data)
    assert {name: len(one.features) for name, one in made.items()} == {"whole": 24, "mosaic": 3}
    one = made["whole"]
    assert one.pixels.shape == (24, 160, 160, 3)
    session = crops._teacher(data / "teacher.onnx")
    seen = crops._seen(one.pixels[5:7], crops.TEACHER_SIDE)
    (last,) = session.run([crops.LEVELS["last"].layer], {"image": seen})
    apart = one.maps["last"][5:7] * crops.STEP - last.transpose(0, 2, 3, 1)
    assert np.abs(apart).max() <= crops.STEP / 2 + 1e-3
    np.testing.assert_allclose(one.pooled[5:7], last.mean((2, 3)), atol=crops.STEP)
    before = (data / "crops" / "whole-pixels.npy").stat().st_mtime_ns
    crops.read(data)
    assert (data / "crops" / "whole-pixels.npy").stat().st_mtime_ns == before


def test_maps_have_the_shape_of_the_teachers(recipe: tuple[ModuleType, ModuleType]) -> None:
    """Every map that is to be like one of the teacher's, up to the channels of the last, which a helper reads."""
    content, crops = recipe
    trunk, x = separable_trunk().eval(), torch.zeros(1, 3, crops.TEACHER_SIDE, crops.TEACHER_SIDE)
    with torch.no_grad():
        for level in ("early", "middle"):
            expected = crops.LEVELS[level]
            assert tuple(trunk[: content.LEVEL_LAYERS[level]](x).shape) == (
                1,
                expected.channels,
                expected.cells,
                expected.cells,
            )
        assert trunk(x).shape[-1] == crops.LEVELS["last"].cells


def test_all_phases(
    recipe: tuple[ModuleType, ModuleType], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing to a file and a card that Lookalike takes; what was done is not done again."""
    out = tmp_path / "kinds.onnx"
    monkeypatch.setattr(sys, "argv", ["content.py", str(data), str(tmp_path / "run"), str(out)])
    assert recipe[0].main() == 0
    first = out.read_bytes()
    assert recipe[0].main() == 0
    assert out.read_bytes() == first
    card = read_card(out.with_suffix(".toml"))
    verify(card)
    assert [(one.name, one.dim, one.version) for one in card.outputs] == [("content", 256, 2)]
    assert [one.name for one in onnxruntime.InferenceSession(out).get_outputs()] == ["content", "content_parts"]

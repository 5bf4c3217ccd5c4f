"""From folders and a teacher to what the loop takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lookalike.errors import UserError
from lookalike.training.data import cached_teacher_features as teaching
from lookalike.training.data.cached_teacher_features import cached_teacher_features
from lookalike.training.data.image_cache import cache_images
from lookalike.training.engine.recipe import Phase, Recipe, Source
from lookalike.training.tasks.prepare import prepare
from samples import drawn, save

RANDOM = np.random.default_rng(5).normal(size=(3, 300)).astype(np.float32)


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """A network whose 300 features are the mean colours, -1..1, times RANDOM."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["colour"]),
        helper.make_node("MatMul", ["colour", "random"], ["features"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 300])
    graph = helper.make_graph(nodes, "teacher", [image], [features], [numpy_helper.from_array(RANDOM, "random")])
    path = tmp_path / "teacher.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def folders(root: Path) -> None:
    """One folder with two classes, one with another two, one without any."""
    places = ("a/cat/1", "a/dog/1", "a/dog/2", "b/bird/1", "b/dog/1", "c/1", "c/2")
    for seed, place in enumerate(places):
        save(root / f"{place}.png", drawn(seed, 40, 40))


def test_features_are_kept(tmp_path: Path, teacher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The teacher's features of each image, as computed by hand; the second time they come from the disk."""
    folders(tmp_path)
    images = cache_images(tmp_path / "a", 40, tmp_path / "image-cache")
    features = cached_teacher_features(images, teacher, 40, tmp_path / "image-cache")
    means = images.pixels.reshape(3, -1, 3).mean(1) / 127.5 - 1
    assert features.dtype == np.float16
    assert np.allclose(means @ RANDOM, features, atol=5e-3)
    monkeypatch.setattr(teaching, "_input", None)
    assert np.array_equal(features, cached_teacher_features(images, teacher, 40, tmp_path / "image-cache"))
    with pytest.raises(UserError, match=r"none\.onnx"):
        cached_teacher_features(images, tmp_path / "none.onnx", 40, tmp_path / "image-cache")


def test_another_teacher_or_image_is_seen_anew(tmp_path: Path, teacher: Path) -> None:
    """A teacher's file that holds something else under its old name, and an image that does: features are those of
    today, not what was kept of yesterday's; what was kept is found again when the old file comes back."""
    folders(tmp_path)
    cache = tmp_path / "image-cache"

    def features() -> np.ndarray:
        return cached_teacher_features(cache_images(tmp_path / "a", 40, cache), teacher, 40, cache)

    first, old = features(), teacher.read_bytes()
    model = onnx.load(teacher)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(2 * RANDOM, "random"))
    onnx.save(model, teacher)
    assert np.allclose(2 * first, features(), atol=1e-2)
    teacher.write_bytes(old)
    assert np.array_equal(first, features())
    save(tmp_path / "a" / "cat" / "1.png", drawn(77, 40, 40))
    changed = features()
    assert not np.allclose(first[0], changed[0], atol=1e-2)
    assert np.array_equal(first[1:], changed[1:])


def test_prepare(tmp_path: Path, teacher: Path) -> None:
    """Sources of one side are one group, by rising side; classes of one name are one; images without a teacher have
    zeros."""
    folders(tmp_path)
    recipe = Recipe(
        0,
        (Source("b", 40, True, 40), Source("c", 24, teacher_side=40), Source("a", 24, labelled=True)),
        (Phase(32, 8, 1, (0.5, 0.5)),),
    )
    groups, classes = prepare(recipe, tmp_path, teacher, tmp_path / "image-cache")
    assert classes == 3  # bird, cat, dog
    assert [group.pixels.shape for group in groups] == [(5, 24, 24, 3), (2, 40, 40, 3)]
    assert [group.labels.tolist() for group in groups] == [[-1, -1, 1, 2, 2], [0, 2]]
    assert [group.targets.any(1).tolist() for group in groups] == [[True, True, False, False, False], [True, True]]
    for group in groups:
        lengths = np.linalg.norm(group.targets, axis=1)
        assert np.allclose(group.targets.any(1), lengths, atol=1e-4)


def test_targets_keep_the_teachers_geometry(tmp_path: Path, teacher: Path) -> None:
    """Cosines between targets are those of the teacher's features about their mean."""
    folders(tmp_path)
    (group,), _ = prepare(
        Recipe(0, (Source("a", 40, teacher_side=40), Source("b", 40, teacher_side=40)), (Phase(32, 8, 1),)),
        tmp_path, teacher, tmp_path / "image-cache",
    )  # fmt: skip
    features = (group.pixels.reshape(5, -1, 3).mean(1) / 127.5 - 1) @ RANDOM
    features -= features.mean(0)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    assert np.allclose(features @ features.T, group.targets @ group.targets.T, atol=0.05)


def test_without_a_teacher(tmp_path: Path) -> None:
    """No image has a target, whatever the recipe says."""
    folders(tmp_path)
    recipe = Recipe(0, (Source("c", 24, teacher_side=40),), (Phase(32, 8, 1),))
    (group,), classes = prepare(recipe, tmp_path, None, tmp_path / "image-cache")
    assert (group.targets.shape, group.targets.any(), classes) == ((2, 256), False, 0)

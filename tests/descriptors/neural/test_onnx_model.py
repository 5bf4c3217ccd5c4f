"""A network's outputs as descriptors: known answers, batches, threads, and what is no number."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

from lookalike.descriptors import HASHES, describe_all, get, min_side
from lookalike.descriptors.neural import onnx_model
from lookalike.descriptors.neural.model_card import read_card
from lookalike.descriptors.neural.model_store import network
from lookalike.descriptors.neural.onnx_model import Network
from lookalike.errors import ModelCardInvalid, ModelDamaged, ModelMissing
from lookalike.types import Image
from networks import SIDE, TILES, card, changed, install, means, tint_of, with_parts
from samples import drawn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def image(pixels: np.ndarray) -> Image:
    return Image(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the user's models."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def images() -> list[Image]:
    return [image(drawn(seed, SIDE, SIDE)) for seed in range(5)]


class Counting:
    """Counts the sessions that are made, and the forward passes of all of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sessions, self.passes, self._real = 0, 0, onnxruntime.InferenceSession
        monkeypatch.setattr(onnxruntime, "InferenceSession", self._open)

    def _open(self, *given: Any, **options: Any) -> Any:
        self.sessions += 1
        outer, session = self, self._real(*given, **options)

        class Session:
            def __getattr__(self, name: str) -> Any:
                return getattr(session, name)

            def run(self, *given: Any) -> Any:
                outer.passes += 1
                return session.run(*given)

        return Session()


def test_a_known_answer(folder: Path, images: list[Image]) -> None:
    """uint8 NHWC: the vectors are the mean colours that numpy computes; cosine ones have unit length."""
    install(folder)
    described = describe_all(images, ["tint", "places"])
    for row, image in enumerate(images):
        np.testing.assert_allclose(described["tint"].vectors[row], tint_of(image.pixels), atol=1e-5)
        tiles = image.pixels.reshape(TILES, 4, TILES, 4, 3).mean(axis=(1, 3)).transpose(2, 0, 1) / 255 - 0.5
        expected = tiles.ravel() / np.linalg.norm(tiles)
        np.testing.assert_allclose(described["places"].vectors[row], expected, atol=1e-5)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_floats_are_normalised(folder: Path, images: list[Image], layout: str) -> None:
    """float32 in either layout: (value / 255 - mean) / std per channel, red first."""
    content = card(layout=layout, type="float32", mean=list(MEAN), std=list(STD))
    install(folder, model=means(layout=layout, kind="float32", floor=-9), content=content)
    for image, vector in zip(images, get("tint").describe(images).vectors, strict=True):
        normalised = (image.pixels / 255 - np.array(MEAN)) / np.array(STD)
        np.testing.assert_allclose(vector, tint_of(normalised * 255, floor=-9), atol=1e-4)


def test_floats_without_mean_and_std(folder: Path, images: list[Image]) -> None:
    """Where a card gives neither, float32 is 0..1."""
    content = card(layout="NCHW", type="float32")
    install(folder, model=means(layout="NCHW", kind="float32"), content=content)
    np.testing.assert_allclose(
        get("tint").describe(images).vectors, [tint_of(image.pixels) for image in images], atol=1e-5
    )


@pytest.mark.parametrize(
    ("width", "height", "method"),
    [(3 * SIDE, 2 * SIDE, cv2.INTER_AREA), (7, 5, cv2.INTER_LINEAR), (500, 9, cv2.INTER_LINEAR)],
)
def test_images_are_squeezed(folder: Path, width: int, height: int, method: int) -> None:
    """Any size becomes a square: by area where both sides shrink, else linearly."""
    install(folder)
    pixels = drawn(3, width, height)
    squeezed = cv2.resize(pixels, (SIDE, SIDE), interpolation=method)
    np.testing.assert_allclose(get("tint").describe([image(pixels)]).vectors[0], tint_of(squeezed), atol=1e-5)


def test_quality_is_contrast(folder: Path) -> None:
    """The standard deviation of grey over 16 levels, at most 1; nothing for a flat image."""
    install(folder)
    stripes = np.zeros((SIDE, SIDE, 3), np.uint8)
    stripes[:, ::2] = 8  # half 0 and half 8: a standard deviation of 4
    flat, loud = np.full_like(stripes, 200), stripes * 31
    expected = np.array([0.25, 0, 1], np.float32)
    np.testing.assert_allclose(expected, get("tint").describe([image(p) for p in (stripes, flat, loud)]).contrast)


def test_one_forward_pass_for_all_outputs(folder: Path, images: list[Image], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two descriptors of one model cost one pass, beside hashes, in the order that was asked for."""
    install(folder)
    counting = Counting(monkeypatch)
    images = images[: onnx_model.CPU_BATCH]
    described = describe_all(images, ["places", "structure", "tint"])
    assert (counting.sessions, counting.passes) == (1, 1)
    assert list(described) == ["places", "structure", "tint"]
    for name, alone in ((name, get(name).describe(images)) for name in described):
        np.testing.assert_array_equal(alone.vectors, described[name].vectors)
        np.testing.assert_array_equal(alone.contrast, described[name].contrast)


def test_many_images_go_in_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 images take ten passes on a processor, three on a graphics card, in bounded memory, and give what each alone
    gives."""
    install(folder)
    counting = Counting(monkeypatch)
    many = [image(drawn(seed, 40, 30)) for seed in range(40)]
    together = get("places").describe(many)
    assert counting.passes == 10
    with monkeypatch.context() as patched:
        patched.setattr(onnx_model, "FASTEST_FIRST", ("CPUExecutionProvider", "a slower one"))
        np.testing.assert_allclose(together.vectors, get("places").describe(many).vectors, atol=1e-6)
    assert counting.passes == 10 + 3
    alone = [get("places").describe([one]).vectors[0] for one in many]
    np.testing.assert_allclose(together.vectors, alone, atol=1e-6)


def test_a_model_for_one_image_at_a_time(folder: Path, images: list[Image]) -> None:
    """A file whose batch is fixed at 1 gives what one with an open batch gives."""
    install(folder / "open", "open")
    install(folder, "single", means(count=1))
    expected = network(read_card(folder / "open" / "open.toml")).describe(images, ["tint"])["tint"]
    np.testing.assert_allclose(get("tint").describe(images).vectors, expected.vectors, atol=1e-6)


def test_threads_share_one_session(folder: Path, images: list[Image], monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads that begin at once make one session, and give the vectors of one thread."""
    install(folder)
    counting = Counting(monkeypatch)
    with ThreadPoolExecutor(8) as pool:
        actual = list(pool.map(lambda one: describe_all([one], ["tint", "places"]), images * 16))
    assert counting.sessions == 1
    for one, described in zip(images * 16, actual, strict=True):
        np.testing.assert_allclose(described["tint"].vectors[0], tint_of(one.pixels), atol=1e-5)
        np.testing.assert_array_equal(described["places"].vectors, get("places").describe([one]).vectors)


def test_what_is_no_number_says_nothing(folder: Path, images: list[Image]) -> None:
    """A NaN in one vector makes that one zeros of quality 0, and leaves its neighbours and other outputs alone."""
    install(folder, model=means(floor=0.1))
    dark = drawn(1, SIDE, SIDE) // 16  # some contrast, but a mean below the floor
    described = describe_all([images[0], image(dark), images[1]], ["tint", "places"])
    assert described["tint"].contrast[1] == 0
    np.testing.assert_array_equal(described["tint"].vectors[1], np.zeros(4))
    assert described["places"].contrast[1] > 0
    for row, shown in ((0, images[0]), (2, images[1])):
        np.testing.assert_allclose(described["tint"].vectors[row], tint_of(shown.pixels, 0.1), atol=1e-5)
        assert described["tint"].contrast[row] > 0


def test_what_half_precision_cannot_hold_says_nothing(folder: Path, images: list[Image]) -> None:
    """Finite here, infinite in a gallery: such a vector is zeros of quality 0, too."""
    install(folder, model=means(floor=-1e12))  # roots of a million
    described = get("tint").describe(images)
    assert (described.vectors == 0).all()
    assert (described.contrast == 0).all()


def test_a_cosine_vector_without_direction_says_nothing(folder: Path) -> None:
    """Stripes of 0 and 1 whose every tile has the mean 0.5: the vector is zero, and so is its quality."""
    install(folder, model=means(kind="float32"), content=card(type="float32", std=[0.8, 0.8, 0.8]))
    stripes = np.zeros((SIDE, SIDE, 3), np.uint8)
    stripes[:, ::2] = 204
    described = describe_all([image(stripes)], ["places", "tint"])
    np.testing.assert_array_equal(described["places"].vectors, np.zeros((1, 192)))
    assert (described["places"].contrast[0], described["tint"].contrast[0]) == (0, 1)


def test_the_file_is_looked_at_when_it_is_needed(folder: Path, images: list[Image]) -> None:
    """Without its ONNX file a model has its card; describing says what is missing, and works once it is back."""
    install(folder)
    there, away = folder / "means.onnx", folder / "away"
    there.rename(away)
    assert (get("tint").card.dim, min_side(["tint", "colour"])) == (4, 64)
    with pytest.raises(ModelMissing, match=r"means\.onnx: the model file is not there"):
        describe_all(images, ["tint"])
    away.rename(there)
    assert describe_all(images, ["tint"])["tint"].vectors.shape == (5, 4)


def test_a_flipped_bit_is_found(folder: Path, images: list[Image]) -> None:
    """A file that is not the one of its card is never run."""
    install(folder)
    data = bytearray((folder / "means.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "means.onnx").write_bytes(data)
    with pytest.raises(ModelDamaged, match="damaged or swapped model file"):
        describe_all(images, ["tint"])


def test_another_length_than_the_card_says(folder: Path, images: list[Image], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file does not tell its lengths, the first pass finds that they are not the card's."""
    install(folder, content=changed(card(), "outputs.tint.dim", 5))
    monkeypatch.setattr(onnx_model, "_check_outputs", lambda *_: None)
    with pytest.raises(ModelCardInvalid, match=r"'tint' has the shape \(4, 4\); by its card it is \(4, 5\)"):
        describe_all(images, ["tint"])


def test_the_parts_of_a_vector(folder: Path, images: list[Image]) -> None:
    """A file may give the parts of a vector beside it: (h, w, dim), each cell's own share, adding up to the vector."""
    install(folder, model=with_parts(means()))
    opened = network(read_card(folder / "means.toml"))
    squeezed = images[0].pixels
    tiles = squeezed.reshape(TILES, 4, TILES, 4, 3).mean(axis=(1, 3)) / 255 - 0.5
    parts = opened.parts(images[0], "places")
    assert parts is not None
    assert parts.shape == (TILES, TILES, 192)
    for y, x in ((0, 0), (2, 7), (7, 3)):
        expected = np.zeros((3, TILES, TILES))
        expected[:, y, x] = tiles[y, x]
        np.testing.assert_allclose(parts[y, x], expected.ravel(), atol=1e-6)
    np.testing.assert_allclose(parts.sum((0, 1)), opened.run(squeezed[None], ["places"])["places"][0], atol=1e-6)


def test_a_file_without_parts(folder: Path, images: list[Image]) -> None:
    """None, and no error, of an output that has no parts."""
    install(folder, model=with_parts(means()))
    assert network(read_card(folder / "means.toml")).parts(images[0], "tint") is None


def test_parts_of_another_shape(folder: Path, images: list[Image]) -> None:
    """An output that is only called so is not taken for parts."""
    model = means()
    model.graph.node.append(onnx.helper.make_node("Identity", ["tint"], ["tint_parts"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("tint_parts", onnx.TensorProto.FLOAT, ["n", 4]))
    install(folder, model=model)
    assert network(read_card(folder / "means.toml")).parts(images[0], "tint") is None


def test_no_images(folder: Path) -> None:
    """None give none, without a look at the file."""
    install(folder)
    (folder / "means.onnx").unlink()
    described = describe_all([], ["tint", "places"])
    assert (described["tint"].vectors.shape, described["places"].vectors.shape) == ((0, 4), (0, 192))
    assert described["tint"].contrast.shape == (0,)


def test_what_needs_nothing_imports_nothing(folder: Path) -> None:
    """Listing descriptors, reading a card and making a gallery's cards bring no ONNX Runtime along."""
    install(folder)
    script = """
import sys
from lookalike.descriptors import get, min_side, names
assert names()[-2:] == ["tint", "places"]
assert get("tint").card.dim == 4 and min_side(["tint"]) == 32
assert not {"onnxruntime", "onnx", "cv2"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_one_descriptor_per_output(folder: Path) -> None:
    """The same object each time, of one Network; the hashes are untouched."""
    install(folder)
    assert get("tint") is get("tint")
    assert isinstance(network(read_card(folder / "means.toml")), Network)
    assert "tint" not in HASHES

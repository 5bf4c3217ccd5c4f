"""The region network against loops, a standard operator, and answers worked out by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor

from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.onnx_model import ModelInput
from lookalike.descriptors.neural.region_model import RegionNetwork, RegionOutput
from lookalike.training.export.onnx_export import export_regions, restore_detector
from lookalike.training.models.efficientnet_lite import LITE_MEAN, LITE_STD, Block, lite0_trunk
from lookalike.training.models.region_net import (
    BOX_COUNT,
    FINE_LAYERS,
    GRID_BOXES,
    Detector,
    apply_deltas,
    non_maximum_suppression,
    pairwise_iou,
    roi_align,
)
from lookalike.types import Image
from quickly import with_one_export
from samples import drawn

SIDE = 64


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Random weights, and an eye for objects that is opened a little."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        made = Detector()
        torch.nn.init.normal_(made.objectness.weight, std=0.3)
    return made.eval()


def boxes(count: int, seed: int = 0, images: int = 2) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    sides = torch.rand(images, count, 2, generator=random) * 0.6 + 0.1
    return torch.cat([torch.rand(images, count, 2, generator=random) * (1 - sides), sides], -1)


def read(channel: Tensor, y: float, x: float) -> float:
    """The value at a place between four cells, whose middles lie at halves."""
    height, width = channel.shape
    y, x = min(max(y - 0.5, 0), height - 1), min(max(x - 0.5, 0), width - 1)
    total = 0.0
    for row, column in itertools.product(range(height), range(width)):
        total += max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column)) * float(channel[row, column])
    return total


def test_align_is_the_mean_of_points_read_one_by_one() -> None:
    """Two products of matrices give what loops over images, boxes, bins and points give."""
    maps, places, bins, samples = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1)), boxes(2), 2, 2
    result = roi_align(maps, places, bins, samples)
    for n, r, i, j in itertools.product(range(2), range(2), range(bins), range(bins)):
        x, y, w, h = places[n, r].tolist()
        for channel in range(3):
            points = [
                read(
                    maps[n, channel],
                    (y + h * (i + (a + 0.5) / samples) / bins) * 5,
                    (x + w * (j + (b + 0.5) / samples) / bins) * 7,
                )
                for a, b in itertools.product(range(samples), range(samples))
            ]
            assert sum(points) / 4 == pytest.approx(float(result[n, r, channel, i, j]), abs=1e-5)


def test_align_is_the_standard_operator() -> None:
    """ONNX's RoiAlign, in ONNX Runtime, gives the same."""
    maps, places = torch.randn(2, 4, 12, 12, generator=torch.Generator().manual_seed(2)), boxes(5)
    node = helper.make_node(
        "RoiAlign", ["maps", "rois", "of"], ["out"], output_height=3, output_width=3, sampling_ratio=2,
        spatial_scale=12.0, coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    values = [
        ("maps", TensorProto.FLOAT, maps.shape),
        ("rois", TensorProto.FLOAT, (10, 4)),
        ("of", TensorProto.INT64, (10,)),
    ]
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info(*one) for one in values],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    corners = torch.cat([places[..., :2], places[..., :2] + places[..., 2:]], -1).flatten(0, 1)
    given = {"maps": maps.numpy(), "rois": corners.numpy(), "of": np.repeat([0, 1], 5)}
    expected = session.run(None, given)[0].reshape(2, 5, 4, 3, 3)
    np.testing.assert_allclose(expected, roi_align(maps, places, 3, 2).numpy(), atol=1e-4)


def one_by_one(places: Tensor, scores: Tensor, overlap: float) -> list[int]:
    """Greedy suppression, as the textbook has it."""
    stands: list[int] = []
    for row in scores.argsort(descending=True).tolist():
        if all(float(pairwise_iou(places[[row]], places[[other]])[0, 0]) <= overlap for other in stands):
            stands.append(row)
    return stands


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_greedy(seed: int) -> None:
    """In rounds for all at once, the boxes that stand are those of one after the other."""
    places, scores = boxes(30, seed), torch.rand(2, 30, generator=torch.Generator().manual_seed(seed))
    _, sure, which = non_maximum_suppression(places, scores, 0.4, 30)
    for image in range(2):
        expected = one_by_one(places[image], scores[image], 0.4)
        assert expected == which[image][sure[image] > 0].tolist()


def test_overlap_by_hand() -> None:
    """A box against itself, half of itself, one that touches it, one far away."""
    a = torch.tensor([[0.0, 0, 2, 2]])
    b = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 2], [2, 0, 2, 2], [9, 9, 1, 1]])
    assert pairwise_iou(a, b).tolist() == [[1.0, 0.5, 0.0, 0.0]]


def test_no_move_leaves_a_box_where_it_is() -> None:
    """Moves of 0 change nothing; what would leave the image is cut at its edge."""
    places = boxes(4)
    assert torch.allclose(places, apply_deltas(places, torch.zeros(2, 4, 4)), atol=1e-6)
    out = apply_deltas(torch.tensor([[[0.8, 0.8, 0.2, 0.2]]]), torch.tensor([[[5.0, 5.0, 0.0, 0.0]]]))
    assert out[0, 0].tolist() == pytest.approx([0.9, 0.9, 0.1, 0.1])


def test_whole_proposals_cells(detector: Detector) -> None:
    """The whole comes first, then proposals in falling order, all within the image, then the cells."""
    with torch.no_grad():
        vectors, places, scores, classes = detector(torch.rand(2, 3, SIDE, SIDE))
    cells = len(GRID_BOXES)
    assert places[:, 0].tolist() == [[0, 0, 1, 1]] * 2
    assert torch.allclose(torch.tensor(GRID_BOXES), places[0, -cells:])
    assert bool((scores[:, 1:-cells].diff(dim=1) <= 0).all())
    assert float((places[..., :2] + places[..., 2:]).max()) <= 1 + 1e-6
    assert torch.allclose(torch.ones(2, BOX_COUNT), vectors.norm(dim=2), atol=1e-4)
    assert set(classes.flatten().tolist()) == {-1}


def with_statistics(seed: int) -> torch.nn.Sequential:
    """A trunk whose norms have seen something, so that folding them matters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        trunk = lite0_trunk()
        trunk.train()((torch.rand(2, 3, SIDE, SIDE) - LITE_MEAN) / LITE_STD)
    return trunk.eval()


def test_a_whole_trunk_is_taken_over() -> None:
    """The maps are those of its blocks up to 16 pixels to a cell, and the neck is what the next block begins with."""
    trunk, image = with_statistics(3), torch.rand(2, 3, 96, 96)
    started = Detector().eval()
    started.load_pretrained(trunk)
    with torch.no_grad():
        coarse = trunk[:12]((image - LITE_MEAN) / LITE_STD)
        assert (coarse.shape[1:], trunk[:13](image).shape[2]) == ((112, 6, 6), 3)
        assert torch.allclose(started.maps(image)[1], coarse, atol=1e-3)
        next_block = trunk[12]
        assert isinstance(next_block, Block)
        assert torch.allclose(started.neck(coarse), next_block.body[0](coarse), atol=1e-3)


def test_a_vector_is_linear_in_the_cubic_mean_of_the_neck(detector: Detector) -> None:
    """Of the whole image, worked out from the points that are read of the neck's map."""
    coarse = torch.rand(1, 112, 7, 7, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        result = detector.vectors(coarse, torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]))[0, 0]
        mean = detector.neck(coarse).clamp(min=1e-4).double().pow(3).mean((2, 3)).pow(1 / 3)[0]
        expected = detector.embedding.weight.double() @ mean + detector.embedding.bias
    assert torch.allclose(result.double(), expected / expected.norm(), atol=1e-5)


@pytest.mark.parametrize("fine_only", [False, True])
def test_frozen_layers_ask_for_no_gradient(fine_only: bool) -> None:
    """All of the trunk, or its layers up to 8 pixels to a cell; the heads always learn."""
    made = Detector()
    made.freeze(fine_only)
    made.vectors(made.maps(torch.rand(1, 3, SIDE, SIDE))[1], boxes(2, images=1)).sum().backward()
    learns = {name: value.grad is not None for name, value in made.named_parameters()}
    assert learns["embedding.weight"]
    assert not any(learns[f"trunk.{name}"] for name, _ in made.trunk[:FINE_LAYERS].named_parameters())
    assert learns["trunk.11.body.0.conv.weight"] == learns["neck.conv.weight"] == fine_only


@pytest.fixture(scope="module")
def one_export() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        with_one_export(patch)
        yield


@pytest.fixture(scope="module", params=[False, True], ids=["half", "eighth"])
def file(request: pytest.FixtureRequest, detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    request.getfixturevalue("one_export")
    path = tmp_path_factory.mktemp("detector") / "regions.onnx"
    calibration = np.stack([drawn(seed, SIDE, SIDE) for seed in range(8)]) if request.param else None
    export_regions(detector, "regions", SIDE, path, calibration)
    return path


def is_in_8_bits(file: Path) -> bool:
    return any(one.name.endswith(".eighth") for one in onnx.load(file).graph.initializer)


def network_of(path: Path, digest: str) -> RegionNetwork:
    card = DescriptorCard("regions", 1, "cosine", 256, 4096, SIDE, 0.01, 0.9, "")
    input_spec = ModelInput("image", SIDE, "NHWC", "uint8")
    return RegionNetwork(path, digest, input_spec, card, RegionOutput("regions", BOX_COUNT, (48, 64)))


def test_the_file_gives_regions(file: Path) -> None:
    """What leaves training runs as the runtime wants it: images of its side, and queries of any."""
    from hashlib import sha256

    network = network_of(file, sha256(file.read_bytes()).hexdigest())
    result = network.regions([Image(drawn(seed), 160, 120) for seed in range(3)])
    assert [one.vectors.shape[1] for one in result] == [256] * 3
    assert all(1 <= len(one) <= BOX_COUNT for one in result)
    assert network.query_vectors(Image(drawn(1, 40, 200), 40, 200)).shape == (2, 256)


def test_the_file_can_be_trained_on(file: Path, detector: Detector) -> None:
    """The detector that is read back has the weights that were written, and says what the file says; of one that
    computes in 8 bits, its vectors of the whole image are as near as that is."""
    restored = restore_detector(file)
    for name, value in detector.state_dict().items():
        error = (restored.state_dict()[name] - value).abs().float()
        steps = value.abs().flatten(1).amax(1) / 127 if value.ndim > 1 else torch.zeros(1)  # of 8 bits, row by row
        allowed = 0.51 * steps if is_in_8_bits(file) else 1e-3 * steps  # half of one; or next to nothing
        assert (error.flatten(1).amax(1) if value.ndim > 1 else error.max()).sub(allowed).max() < 1e-4, name
    noise = torch.randint(0, 256, (1, SIDE, SIDE, 3), dtype=torch.uint8)
    image = torch.from_numpy(drawn(9, SIDE, SIDE))[None] if is_in_8_bits(file) else noise
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        result = restored(image.permute(0, 3, 1, 2).float() / 255)
    given = session.run(None, {"image": image.numpy()})
    if is_in_8_bits(file):
        assert float((given[0][0, 0] * result[0][0, 0].numpy()).sum()) > 0.99
        return
    for expected, one in zip(given, result, strict=True):
        assert float(np.quantile(np.abs(expected - one.numpy()), 0.8)) < 2e-3  # of equals, either may come first


def test_eighths_are_small(file: Path) -> None:
    """A byte for each number of the large arrays, or two; and what says how 8 bits are computed in."""
    numbers = sum(value.numel() for value in Detector().state_dict().values())
    size = file.stat().st_size
    if is_in_8_bits(file):
        assert numbers < size < 1.2 * numbers
    else:
        assert size == pytest.approx(2 * numbers, rel=0.15)

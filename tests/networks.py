"""Small neural models for tests, with their cards: what they answer is known, and easily computed again."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 32  # pixels
TILES = 8  # per side
TINT = np.random.default_rng(7).uniform(-1, 1, (3, 4)).astype(np.float32)
TYPES = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}


def means(side: int = SIDE, layout: str = "NHWC", kind: str = "uint8", count: Any = "n", floor: float = -1) -> Any:
    """A model of two outputs. ``tint``: (N, 4), sqrt(mean colour - floor) @ TINT; ``places``: (N, 192), the mean
    colours of 8 x 8 tiles, channel by channel, less 0.5. A mean below ``floor`` makes tint NaN."""
    shape = [count, side, side, 3] if layout == "NHWC" else [count, 3, side, side]
    order = {"perm": [0, 3, 1, 2] if layout == "NHWC" else [0, 1, 2, 3]}
    kernel = {"kernel_shape": [side // TILES] * 2, "strides": [side // TILES] * 2}
    nodes = [
        helper.make_node("Cast", ["image"], ["single"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["single", "top"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["planes"], **order),
        helper.make_node("GlobalAveragePool", ["planes"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["colour"]),
        helper.make_node("Sub", ["colour", "floor"], ["above"]),
        helper.make_node("Sqrt", ["above"], ["root"]),
        helper.make_node("MatMul", ["root", "matrix"], ["tint"]),
        helper.make_node("AveragePool", ["planes"], ["tiles"], **kernel),
        helper.make_node("Flatten", ["tiles"], ["flat"]),
        helper.make_node("Sub", ["flat", "half"], ["places"]),
    ]
    constants = {"top": 255 if kind == "uint8" else 1, "floor": floor, "half": 0.5, "matrix": TINT}
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("image", TYPES[kind], shape)],
        [
            helper.make_tensor_value_info("tint", TensorProto.FLOAT, [count, 4]),
            helper.make_tensor_value_info("places", TensorProto.FLOAT, [count, 3 * TILES**2]),
        ],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def with_parts(model: Any) -> Any:
    """The model with a third output, ``places_parts``: (N, 192, 8, 8), each tile's own three numbers of ``places``."""
    nodes = [
        helper.make_node("Unsqueeze", ["places", "last"], ["deep"]),
        helper.make_node("Mul", ["deep", "own"], ["places_parts"]),
    ]
    own = np.tile(np.eye(TILES**2, dtype=np.float32), (3, 1)).reshape(-1, TILES, TILES)
    model.graph.node.extend(nodes)
    model.graph.initializer.extend([numpy_helper.from_array(own, "own")])
    model.graph.initializer.extend([numpy_helper.from_array(np.array([2, 3]), "last")])
    model.graph.output.append(helper.make_tensor_value_info("places_parts", TensorProto.FLOAT, ["n", *own.shape]))
    onnx.checker.check_model(model)
    return model


CLASSES = ("red", "green", "blue")
SHARPNESS = 20.0


def with_logits(model: Any, count: Any = "n") -> Any:
    """The model with another output, ``tint_logits``: (N, 3), the mean colour, 0..1, times SHARPNESS. NaN where the
    mean is below the model's ``floor``."""
    nodes = [
        helper.make_node("Mul", ["root", "root"], ["again"]),
        helper.make_node("Add", ["again", "floor"], ["seen"]),
        helper.make_node("Mul", ["seen", "sharpness"], ["tint_logits"]),
    ]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend([numpy_helper.from_array(np.asarray(SHARPNESS, np.float32), "sharpness")])
    model.graph.output.append(helper.make_tensor_value_info("tint_logits", TensorProto.FLOAT, [count, 3]))
    onnx.checker.check_model(model)
    return model


def labelled_card(name: str = "means", **changes: Any) -> dict[str, Any]:
    """A sound card for ``with_logits``; ``changes`` to its table of labels."""
    labels = {"output": "tint", "names": list(CLASSES), "temperature": 2.0, "abstain_below": 0.4, **changes}
    return {**card(name), "labels": labels}


def chances_of(pixels: NDArray[np.uint8], temperature: float = 2.0) -> NDArray[np.float64]:
    """(h, w, 3) -> (3,): the probability of each class, computed by hand."""
    powers = np.exp(pixels.reshape(-1, 3).mean(axis=0) / 255 * SHARPNESS / temperature)
    return powers / powers.sum()


def tint_of(pixels: NDArray[np.uint8], floor: float = -1) -> NDArray[np.float32]:
    """(SIDE, SIDE, 3) -> (4,), computed by hand."""
    return np.sqrt(pixels.reshape(-1, 3).mean(axis=0) / 255 - floor) @ TINT


def card(name: str = "means", data: bytes = b"", **input_spec: Any) -> dict[str, Any]:
    """A sound card for ``means``; ``input_spec`` changes its input."""
    return {
        "format": 1,
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "licence": "CC0-1.0",
        "source": "made by a test",
        "weaknesses": ["sees nothing but colour", 'quotes " and \\ and Ünïcode'],
        "input": {"name": "image", "side": SIDE, "layout": "NHWC", "type": "uint8", **input_spec},
        "outputs": {
            "tint": {"version": 1, "dim": 4, "metric": "euclidean", "median_negative_distance": 0.4},
            "places": {
                "version": 1,
                "dim": 192,
                "metric": "cosine",
                "median_negative_distance": 0.9,
                "min_contrast": 0.2,
            },
        },
        "base_models": [{"name": "noughts", "licence": "MIT", "source": "a drawer", "changes": "dusted"}],
        "training": [{"data": "none", "terms": "none"}],
        "measured": {"recall of crops": 0.25, "recall@1": 1},
    }


def install(folder: Path, name: str = "means", model: Any = None, content: dict[str, Any] | None = None) -> Path:
    """Write a model and its card into a folder; returns the card's path. ``content``: the card, but for its sha256."""
    data = (model or means()).SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(data)
    sound = {**(content or card(name)), "sha256": hashlib.sha256(data).hexdigest()}
    return write_card(folder / f"{name}.toml", sound)


def write_card(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(toml(content), "utf-8")
    return path


def without(content: dict[str, Any], field: str) -> dict[str, Any]:
    """A copy without this field, for instance "input.side"."""
    return changed(content, field, None)


def changed(content: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """A copy with another value in this field, for instance "outputs.tint.dim"; None: without it."""
    copy = deepcopy(content)
    *tables, key = field.split(".")
    place: Any = copy
    for table in tables:
        place = place[int(table) if table.isdigit() else table]
    place.pop(key, None)
    if value is not None:
        place[key] = value
    return copy


def toml(content: dict[str, Any], place: str = "") -> str:
    """A dict as TOML: plain values, then tables, then lists of tables. JSON's texts and lists are TOML's, too."""
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    lists = {key: value for key, value in content.items() if value and _is_list_of_tables(value)}
    plain = {key: value for key, value in content.items() if key not in tables and key not in lists}
    text = "".join(f"{json.dumps(key)} = {_plain(value)}\n" for key, value in plain.items())
    for key, value in tables.items():
        text += f"[{place}{json.dumps(key)}]\n{toml(value, f'{place}{json.dumps(key)}.')}"
    return text + "".join(f"[[{key}]]\n{toml(one)}" for key, value in lists.items() for one in value)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _plain(value: Any) -> str:
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")

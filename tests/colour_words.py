"""A network with a text tower that knows nothing but colours: what it answers is known, and easily computed again.

An image's vector is its mean colour less a grey, a text's the sum of the colours that it names.
"""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from lookalike.descriptors.neural.text_model import write_names
from networks import SIDE, card, install

NAME = "hues"
GREY = 0.35
LENGTH = 8  # tokens
SCALE = 25.0
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (1, -0.2, -0.2), "green": (-0.2, 1, -0.2), "blue": (-0.2, -0.2, 1), "dark": (-1, -1, -1),
}  # fmt: skip
NAMES = {f"hue {place}": (r, g, b) for place, (r, g, b) in enumerate(product((-1, 0, 1), repeat=3)) if r or g or b}
NAMES["red"] = (1, 0, 0)


def install_colour_words(folder: Path) -> Path:
    """Both towers, the tokenizer, the names and the card, in one folder; returns the card's path."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(text_tower(), folder / f"{NAME}-text.onnx")
    tokenizer().save(str(folder / f"{NAME}-tokens.json"))
    write_names(list(NAMES), unit(np.array(list(NAMES.values()), np.float32)), folder / f"{NAME}-names.npz")
    return install(folder, NAME, image_tower(), text_card(folder))


def text_card(folder: Path) -> dict[str, Any]:
    """Its card, but for the sha256 of the image tower."""
    output = {"version": 1, "dim": 3, "metric": "cosine", "median_negative_distance": 0.5, "min_contrast": 0.01}
    files = {"tower": f"{NAME}-text.onnx", "tokenizer": f"{NAME}-tokens.json", "names": f"{NAME}-names.npz"}
    named = {
        key: {"file": file, "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest()}
        for key, file in files.items()
    }
    text = {"output": NAME, "length": LENGTH, "scale": SCALE, "prompt": "a photo of {}", **named}
    return {**card(NAME), "outputs": {NAME: output}, "text": text}


def image_tower() -> Any:
    """(N, SIDE, SIDE, 3) uint8 -> (N, 3), the mean colour less GREY."""
    nodes = [
        helper.make_node("Cast", ["image"], ["single"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["single", "places"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "top"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "grey"], [NAME]),
    ]
    constants = {"places": np.array([1, 2]), "top": np.float32(255), "grey": np.float32(GREY)}
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE, SIDE, 3])
    return _model(nodes, image, constants)


def text_tower() -> Any:
    """(N, LENGTH) int64 tokens -> (N, 3), the sum of their colours, and a little of white."""
    table = np.zeros((2 + len(COLOURS), 3), np.float32)
    table[2:] = list(COLOURS.values())
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["each"]),
        helper.make_node("ReduceSum", ["each", "places"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "little"], [NAME]),
    ]
    constants = {"table": table, "places": np.array([1]), "little": np.float32(0.01)}
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n", LENGTH])
    return _model(nodes, tokens, constants)


def tokenizer() -> Any:
    """One token for each word of COLOURS, and one for any other."""
    vocabulary = {word: number for number, word in enumerate(("[pad]", "[other]", *COLOURS))}
    made = Tokenizer(models.WordLevel(vocabulary, "[other]"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    made.enable_truncation(max_length=LENGTH)
    made.enable_padding(length=LENGTH, pad_id=0, pad_token="[pad]")
    return made


def image_vector(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(h, w, 3) -> (3,) of unit length, computed by hand."""
    return unit(pixels.reshape(1, -1, 3).mean(axis=1) / 255 - GREY)[0]


def text_vector(text: str) -> NDArray[np.float64]:
    """(3,) of unit length, computed by hand."""
    total = sum((np.array(COLOURS[word]) for word in text.lower().split() if word in COLOURS), np.zeros(3))
    return unit(total[None] + 0.01)[0]


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _model(nodes: list[Any], given: Any, constants: dict[str, Any]) -> Any:
    output = helper.make_tensor_value_info(NAME, TensorProto.FLOAT, ["n", 3])
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "hues", [given], [output], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return model

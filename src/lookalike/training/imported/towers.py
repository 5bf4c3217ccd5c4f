"""The two halves of an imported network, each a module with one input and one output, as ONNX Runtime will run them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lookalike.training.imported.checkpoint import WITH_TEXT, Checkpoint


class ImageTower(nn.Module):
    """(N, side, side, 3) uint8 sRGB -> (N, D). Of a network without texts the vector is that of the class token."""

    mean: Tensor
    std: Tensor
    places: Tensor | None

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.model, self.kind = checkpoint.model, checkpoint.kind
        self.patch_size = int(getattr(checkpoint.processor, "patch_size", 0) or 0)
        self.register_buffer("places", _places(checkpoint) if self.kind == "siglip2" else None)
        self.register_buffer("mean", torch.tensor(checkpoint.input.mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(checkpoint.input.std).reshape(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        pixels = (image.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        model: Any = self.model
        if self.kind == "siglip2":
            return _of_patches(model.vision_model, self._patches(pixels), self.places)
        if self.kind in WITH_TEXT:
            return _pooled(model.get_image_features(pixel_values=pixels))
        found: Tensor = model(pixel_values=pixels).last_hidden_state[:, 0]
        return found

    def _patches(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) -> (N, P, values of a patch), row by row, as a SigLIP 2 of any shape takes them."""
        count, side = self.patch_size, pixels.shape[2] // self.patch_size
        cells = pixels.reshape(-1, 3, side, count, side, count).permute(0, 2, 4, 3, 5, 1)
        return cells.reshape(-1, side * side, count * count * 3)


class TextTower(nn.Module):
    """(N, length) int64 tokens -> (N, D)."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.model = checkpoint.model

    def forward(self, tokens: Tensor) -> Tensor:
        model: Any = self.model
        return _pooled(model.get_text_features(input_ids=tokens))


def _places(checkpoint: Checkpoint) -> Tensor:
    """(1, P, D): what says where a patch lies in the square of a SigLIP 2 of any shape."""
    model: Any = checkpoint.model
    embeddings = model.vision_model.embeddings
    side = checkpoint.input.side // int(checkpoint.processor.patch_size)
    grid = embeddings.position_embedding.weight.detach()
    across = int(grid.shape[0] ** 0.5)
    shapes = torch.tensor([[side, side]])
    found: Tensor = embeddings.resize_positional_embeddings(grid.reshape(across, across, -1), shapes, side * side)
    return found


def _of_patches(vision: Any, patches: Tensor, places: Tensor | None) -> Tensor:
    """The steps of transformers' own Siglip2VisionModel for a full square, whose checks of shapes no ONNX file has."""
    hidden = vision.encoder(inputs_embeds=vision.embeddings.patch_embedding(patches) + places).last_hidden_state
    found: Tensor = vision.head(vision.post_layernorm(hidden))
    return found


def _pooled(features: Any) -> Tensor:
    """Of a model's answer the vector: some versions of transformers give it alone, others within an object."""
    found: Tensor = features if isinstance(features, Tensor) else features.pooler_output
    return found


def vectors(tower: nn.Module, inputs: Tensor, batch: int) -> Tensor:
    """N inputs -> (N, D) of unit length, by torch."""
    parts = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]
    with torch.inference_mode():
        return nn.functional.normalize(torch.cat([tower(part) for part in parts]).float())

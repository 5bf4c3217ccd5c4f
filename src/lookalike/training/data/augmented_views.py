"""How images are seen in training: photographs cropped, mirrored and recoloured; drawings bent and moved.

Whatever a step draws depends on the seed and the step's number alone.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lookalike.training.data.augment import Augmenter
from lookalike.training.engine.recipe import Augmentation
from lookalike.training.engine.trainer import device
from lookalike.types import Pixels

PHOTO = Augmentation(
    crop=1.0,
    min_area=0.35,
    mirror=0.5,
    rotate90=0.0,
    rotation=0.0,
    perspective=0.0,
    inset=0.0,
    colour=0.6,
    colour_filter=0.05,
    overlay=0.0,
    blur=0.1,
    pixelate=0.0,
    noise=0.1,
    posterise=0.0,
    jpeg=0.1,
    stretch=1.0,
)
FACE = replace(PHOTO, min_area=0.8, colour_filter=0.1, blur=0.2, pixelate=0.1, noise=0.2, jpeg=0.2, stretch=0.2)
ELASTIC_GRID = 5  # points each way whose shifts bend a drawing


class Views:
    """Views of training images; ``augmentation``: of the edits, None for drawings, which are bent and moved instead."""

    def __init__(self, seed: int, size: int, augmentation: Augmentation | None = PHOTO) -> None:
        self.seed, self.size, self.augmentation = seed, size, augmentation
        self.augmenter = Augmenter(seed, place=device()) if augmentation else None
        self.random = torch.Generator()

    def begin(self, step: int) -> np.random.Generator:
        """From here on draw what belongs to this step; the generator that chooses its images."""
        self.random.manual_seed(int(np.random.SeedSequence([self.seed, step, 1]).generate_state(1)[0]))
        if self.augmenter:
            self.augmenter.begin(step)
        return np.random.default_rng([self.seed, step])

    def of(self, pixels: Pixels) -> Tensor:
        """(N, s, s, 3) uint8 -> (N, 3, size, size) float 0..1, each changed at random."""
        if self.augmenter and self.augmentation:
            return to_device(self.augmenter.view(on_device(pixels), self.size, self.augmentation)[0])
        return to_device(distort_drawing(resize(to_tensor(pixels), self.size), self.random))


def to_tensor(pixels: Pixels) -> Tensor:
    """(N, s, s, 3) uint8 -> (N, 3, s, s) float 0..1."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float().div_(255)


def on_device(pixels: Pixels) -> Tensor:
    """The same where the network is; sent there in bytes, a quarter of what floats would be."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).to(device()).permute(0, 3, 1, 2).float().div_(255)


def to_device(images: Tensor) -> Tensor:
    """Where the network is, in the layout that convolutions like."""
    return images.to(device(), memory_format=torch.channels_last)


def resize(images: Tensor, size: int) -> Tensor:
    """(N, 3, s, s) -> (N, 3, size, size), linearly."""
    if images.shape[-1] == size:
        return images
    return functional.interpolate(images, (size, size), mode="bilinear", antialias=True)


def distort_drawing(images: Tensor, random: torch.Generator) -> Tensor:
    """Each dark drawing turned up to 15 degrees, sheared, stretched and moved a little, bent as if it were on rubber
    (Simard et al., "Best practices for convolutional neural networks", 2003), and perhaps drawn with a thicker pen.
    What comes in from outside is its edge."""
    count, size = len(images), images.shape[-1]

    def uniform(reach: float) -> Tensor:
        return (torch.rand(count, generator=random) * 2 - 1) * reach

    angle, shear = uniform(math.radians(15)), uniform(0.2)
    wide, high = torch.exp(uniform(0.18)), torch.exp(uniform(0.18))
    cos, sin = angle.cos(), angle.sin()
    rows = [
        cos * wide,
        (shear * cos - sin) * high,
        uniform(0.08),
        sin * wide,
        (shear * sin + cos) * high,
        uniform(0.08),
    ]
    affine = torch.stack(rows, 1).view(count, 2, 3)
    shifts = torch.randn(count, 2, ELASTIC_GRID, ELASTIC_GRID, generator=random) * 0.05
    elastic = functional.interpolate(shifts, (size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = functional.affine_grid(affine, [count, 3, size, size], align_corners=False) + elastic
    drawn = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    thicker = (torch.rand(count, 1, 1, 1, generator=random) * 1.5 - 0.5).clamp(min=0) * 0.9
    return torch.lerp(drawn, -functional.max_pool2d(-drawn, 3, 1, 1), thicker)

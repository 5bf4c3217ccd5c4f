"""Edits on batches of tensors: what people do to images, drawn at random, many images at a time.

``LIGHT_AUGMENTATION`` makes what a library holds, the ``augmentation`` of a recipe's phase what comes back as a copy.
The edits that are measured (``lookalike.imaging.manipulations``) are other code, on arrays and at full size.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lookalike.training.data.synthetic_overlays import backgrounds, overlays
from lookalike.training.engine.recipe import Augmentation

GREY = (0.299, 0.587, 0.114)
SEPIA = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
STRONG_BLUR = 2.6 / 128  # standard deviation of a strong blur, of the view's side
SYNTHETIC = 384  # overlays and backgrounds, of each


class Augmenter:
    """Draws augmentations from its own generator of random numbers: the same seed, the same edits. ``place``: where the
    images are, and all that is made of them."""

    def __init__(self, seed: int, side: int = 112, place: torch.device | None = None) -> None:
        self.place = place or torch.device("cpu")
        self.seed, self.side, self.random = seed, side, torch.Generator(self.place)
        self.begin(0)

    @cached_property
    def overlays(self) -> Tensor:
        """Drawn when the first one is laid on an image, which takes a moment."""
        return _tensor(overlays(SYNTHETIC, self.side, self.seed))

    @cached_property
    def backgrounds(self) -> Tensor:
        """The same for what is seen around an image."""
        return _tensor(backgrounds(SYNTHETIC, self.side, self.seed + 1))

    def begin(self, step: int) -> None:
        """From here on draw what belongs to this step, whatever was drawn before."""
        self.random.manual_seed(int(np.random.SeedSequence([self.seed, step]).generate_state(1)[0]))

    def view(self, images: Tensor, size: int, augmentation: Augmentation) -> tuple[Tensor, Tensor]:
        """(N, 3, s, s) float 0..1 -> views (N, 3, size, size), and (N, N) bool: true where view i also shows
        image j, other than its own, behind it."""
        with self.place:
            return self._view(images, size, augmentation)

    def _view(self, images: Tensor, size: int, augmentation: Augmentation) -> tuple[Tensor, Tensor]:
        count = len(images)
        views, inside = self._placed(images, size, augmentation)
        views = self._coloured(views, augmentation)
        partly = (~inside.flatten(1).all(1)).nonzero().squeeze(1)
        behind, seen = self._behind(images, len(partly), size)
        views[partly] = torch.where(inside[partly], views[partly], behind)
        views = self._overlaid(views, augmentation)
        shown = torch.zeros(count, count, dtype=torch.bool)
        shown[partly] = seen
        return self._degraded(views, augmentation).clamp_(0, 1), shown.fill_diagonal_(False)

    # --- random numbers ---

    def _uniform(self, count: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(count, generator=self.random) * (high - low) + low

    def _happens(self, count: int, chance: float) -> Tensor:
        return self._uniform(count) < chance

    def _integers(self, count: int, below: int) -> Tensor:
        return torch.randint(below, (count,), generator=self.random)

    def _some(self, count: int, chance: float) -> Tensor:
        return self._happens(count, chance).nonzero().squeeze(1)

    # --- where the image lies ---

    def _placed(self, images: Tensor, size: int, augmentation: Augmentation) -> tuple[Tensor, Tensor]:
        """Crop, mirror, turn, tilt, stretch and shrink, all in one sampling; and the mask of where it lies."""
        matrix = self._transform(len(images), augmentation)
        line = (torch.arange(size) * 2 + 1) / size - 1
        y, x = torch.meshgrid(line, line, indexing="ij")
        points = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3)
        seen = points @ matrix.transpose(1, 2)
        grid = (seen[..., :2] / seen[..., 2:].clamp(min=0.2)).view(-1, size, size, 2)
        inside = (grid.abs().amax(-1) <= 1)[:, None]
        shrink = matrix[:, :2, :2].det().abs().sqrt() * images.shape[-1] / size
        views = images.new_empty(len(images), 3, size, size)
        level, source = 0, images
        while True:  # each image from the copy that is nearest in size, so that fine texture does not alias
            last = source.shape[-1] <= 24
            chosen = (shrink >= 1.5 * 2**level).logical_not() if not last else torch.ones_like(shrink, dtype=torch.bool)
            rows = (chosen & (shrink > 0)).nonzero().squeeze(1)
            if len(rows):
                views[rows] = functional.grid_sample(
                    source[rows], grid[rows], mode="bilinear", padding_mode="border", align_corners=False
                )
                shrink = shrink.index_fill(0, rows, -1.0)
            if last or not bool((shrink > 0).any()):
                return views, inside
            level, source = level + 1, functional.avg_pool2d(source, 2)

    def _transform(self, count: int, augmentation: Augmentation) -> Tensor:
        """(N, 3, 3): from a point of the view to a point of the image, both -1..1."""
        area = torch.exp(self._uniform(count, math.log(augmentation.min_area), 0.0))
        area = torch.where(self._happens(count, augmentation.crop), area, torch.ones(count))
        stretch = torch.exp(self._uniform(count, -0.3, 0.3) * self._happens(count, augmentation.stretch))
        wide, high = (area.sqrt() * stretch).clamp(max=1), (area.sqrt() / stretch).clamp(max=1)
        crop = _scaling(wide, high, self._uniform(count, -1, 1) * (1 - wide), self._uniform(count, -1, 1) * (1 - high))
        rotate90 = self._integers(count, 3) + 1
        turn = torch.where(self._happens(count, augmentation.rotate90), rotate90 * (math.pi / 2), torch.zeros(count))
        small = torch.where(
            self._happens(count, 0.6), self._uniform(count, -0.4, 0.4), self._uniform(count, -3.14, 3.14)
        )
        turn = turn + torch.where(self._happens(count, augmentation.rotation), small, torch.zeros(count))
        flip = torch.where(self._happens(count, augmentation.mirror), -torch.ones(count), torch.ones(count))
        tilt = torch.rand(count, 2, generator=self.random) * 0.6 - 0.3
        tilt = tilt * self._happens(count, augmentation.perspective)[:, None]
        return crop @ _turning(turn, flip) @ _tilting(tilt) @ self._shrunk(count, augmentation)

    def _shrunk(self, count: int, augmentation: Augmentation) -> Tensor:
        """The image as a part of the view: from a quarter of its width up to nearly all, sometimes of full width."""
        wide, high = self._uniform(count, 0.27, 0.95), torch.exp(self._uniform(count, -0.25, 0.25))
        high = (wide * high).clamp(max=1)
        full = self._integers(count, 4)  # 0: full width; 1: full height; else neither
        wide, high = torch.where(full == 0, torch.ones(count), wide), torch.where(full == 1, torch.ones(count), high)
        happens = self._happens(count, augmentation.inset)
        wide, high = torch.where(happens, wide, torch.ones(count)), torch.where(happens, high, torch.ones(count))
        x, y = self._uniform(count, -1, 1) * (1 - wide), self._uniform(count, -1, 1) * (1 - high)
        return _scaling(1 / wide, 1 / high, -x / wide, -y / high)

    # --- what lies around it ---

    def _behind(self, images: Tensor, count: int, size: int) -> tuple[Tensor, Tensor]:
        """(count, 3, size, size), and (count, N) bool: which of the N images are seen there."""
        behind = torch.rand(count, 3, 1, 1, generator=self.random).repeat(1, 1, size, size)
        shown = torch.zeros(count, len(images), dtype=torch.bool)
        # 0..1 one colour, 2 black or white, 3..6 drawn, 7..8 an image, 9 four images
        kind = self._integers(count, 10)
        plain = (kind == 2).nonzero().squeeze(1)
        behind[plain] = self._integers(len(plain), 2).float().view(-1, 1, 1, 1)
        rows = ((kind >= 3) & (kind <= 6)).nonzero().squeeze(1)
        if len(rows):
            behind[rows] = _resized(self.backgrounds[self._integers(len(rows), SYNTHETIC)], size)
        rows = ((kind == 7) | (kind == 8)).nonzero().squeeze(1)
        other = self._integers(len(rows), len(images))
        behind[rows] = _resized(images[other], size)
        shown[rows, other] = True
        rows, gap = (kind == 9).nonzero().squeeze(1), size // 50
        panels, half = behind[rows], size // 2
        for y in (0, half):
            for x in (0, half):
                other = self._integers(len(rows), len(images))
                panel = _resized(images[other], half - gap)
                panels[:, :, y : y + half - gap, x : x + half - gap] = panel
                shown[rows, other] = True
        behind[rows] = panels
        return behind, shown

    def _overlaid(self, views: Tensor, augmentation: Augmentation) -> Tensor:
        for chance in (augmentation.overlay, augmentation.overlay / 3):
            rows = self._some(len(views), chance)
            if not len(rows):
                continue
            count = len(rows)
            wide = self._uniform(count, 0.15, 1.0)
            high = (wide * torch.exp(self._uniform(count, -0.5, 0.5))).clamp(max=1)
            x, y = self._uniform(count, -1, 1) * (1 - wide), self._uniform(count, -1, 1) * (1 - high)
            place = _scaling(1 / wide, 1 / high, -x / wide, -y / high)
            place = place @ _turning(self._uniform(count, -0.4, 0.4), torch.ones(count))
            grid = functional.affine_grid(place[:, :2], [count, 4, *views.shape[2:]], align_corners=False)
            drawn = functional.grid_sample(
                self.overlays[self._integers(count, len(self.overlays))], grid, align_corners=False
            )
            strong = drawn[:, 3:]
            views[rows] = views[rows] * (1 - strong) + drawn[:, :3] * strong
        return views

    # --- colours ---

    def _coloured(self, views: Tensor, augmentation: Augmentation) -> Tensor:
        count, chance = len(views), augmentation.colour / 2
        matrix = torch.eye(3).expand(count, 3, 3)
        matrix = self._maybe(chance, _hue(self._uniform(count, -math.pi, math.pi) * self._uniform(count))) @ matrix
        matrix = self._maybe(chance, _saturation(self._uniform(count, 0.0, 2.0))) @ matrix
        matrix = self._maybe(chance, torch.eye(3) * self._uniform(count, 0.5, 1.6)[:, None, None]) @ matrix
        odd = augmentation.colour_filter
        matrix = self._maybe(odd / 2, _saturation(torch.zeros(count))) @ matrix
        matrix = self._maybe(odd / 3, torch.tensor(SEPIA).expand(count, 3, 3)) @ matrix
        negative = torch.where(self._happens(count, odd / 2), -torch.ones(count), torch.ones(count))
        matrix = matrix * negative[:, None, None]
        shift = torch.where(self._happens(count, chance), self._uniform(count, -0.2, 0.2), torch.zeros(count))
        shift = (shift + (negative < 0))[:, None, None]
        views = (matrix @ views.flatten(2) + shift).view_as(views)
        contrast = torch.where(self._happens(count, chance), self._uniform(count, 0.4, 1.8), torch.ones(count))
        contrast = contrast.view(-1, 1, 1, 1)
        views = views.mul_(contrast).add_(0.5 - 0.5 * contrast).clamp_(0, 1)
        rows = self._some(count, augmentation.colour / 4)
        views[rows] = views[rows].pow(torch.exp(self._uniform(len(rows), -0.8, 0.8)).view(-1, 1, 1, 1))
        return views

    def _maybe(self, chance: float, matrix: Tensor) -> Tensor:
        happens = self._happens(len(matrix), chance)[:, None, None]
        return torch.where(happens, matrix, torch.eye(3))

    # --- what is lost ---

    def _degraded(self, views: Tensor, augmentation: Augmentation) -> Tensor:
        count, size = len(views), views.shape[-1]
        for sigma in (0.7, 1.4):
            rows = self._some(count, augmentation.blur / 2)
            views[rows] = _blurred(views[rows], sigma)
        if augmentation.strong_blur:
            rows = self._some(count, augmentation.strong_blur)
            views[rows] = _blurred(views[rows], STRONG_BLUR * size)
        for share in (0.25, 0.5):
            rows, small = self._some(count, augmentation.pixelate / 2), max(8, round(size * share))
            blocks = functional.interpolate(views[rows], small, mode="area")
            views[rows] = functional.interpolate(blocks, size, mode="nearest")
        rows = self._some(count, augmentation.noise)
        amount = self._uniform(len(rows), 0.01, 0.1).view(-1, 1, 1, 1)
        views[rows] = views[rows] + amount * torch.randn(views[rows].shape, generator=self.random)
        rows = self._some(count, augmentation.posterise)
        levels = (self._integers(len(rows), 5) + 2).view(-1, 1, 1, 1)
        views[rows] = (views[rows] * levels).round() / levels
        rows = self._some(count, augmentation.jpeg)
        views[rows] = _compressed(views[rows].clamp(0, 1), self._uniform(len(rows), 5, 60))
        return views


def _tensor(drawn: object) -> Tensor:
    return torch.as_tensor(drawn).permute(0, 3, 1, 2).float() / 255


def _resized(images: Tensor, size: int) -> Tensor:
    if not len(images):
        return images.new_empty(0, 3, size, size)
    mode = "area" if images.shape[-1] >= 2 * size else "bilinear"
    return functional.interpolate(images, (size, size), mode=mode)


def _scaling(wide: Tensor, high: Tensor, x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(wide), torch.ones_like(wide)
    return torch.stack([wide, zero, x, zero, high, y, zero, zero, one], 1).view(-1, 3, 3)


def _turning(angle: Tensor, flip: Tensor) -> Tensor:
    zero, one, cos, sin = torch.zeros_like(angle), torch.ones_like(angle), angle.cos(), angle.sin()
    return torch.stack([cos * flip, -sin, zero, sin * flip, cos, zero, zero, zero, one], 1).view(-1, 3, 3)


def _tilting(tilt: Tensor) -> Tensor:
    matrix = torch.eye(3).repeat(len(tilt), 1, 1)
    matrix[:, 2, :2] = tilt
    return matrix


def _hue(angle: Tensor) -> Tensor:
    """Rotation of colours about the grey axis (Rodrigues' formula)."""
    cos, third = angle.cos(), 1 / 3
    side = third**0.5 * angle.sin()
    same, next_, last = cos + third * (1 - cos), third * (1 - cos) - side, third * (1 - cos) + side
    return torch.stack([same, next_, last, last, same, next_, next_, last, same], 1).view(-1, 3, 3)


def _saturation(amount: Tensor) -> Tensor:
    grey = torch.tensor(GREY).expand(3, 3)
    amount = amount[:, None, None]
    return amount * torch.eye(3) + (1 - amount) * grey


def _blurred(views: Tensor, sigma: float) -> Tensor:
    if not len(views):
        return views
    reach = math.ceil(2.5 * sigma)
    line = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    line = line / line.sum()
    flat = functional.pad(views.flatten(0, 1)[:, None], (reach,) * 4, mode="replicate")
    flat = functional.conv2d(functional.conv2d(flat, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))
    return flat.view_as(views)


def _luma_table() -> Tensor:
    """Annex K of the JPEG standard (ITU T.81), luminance."""
    return torch.tensor([
        [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99]]) / 255  # fmt: skip


def _compressed(views: Tensor, quality: Tensor) -> Tensor:
    """JPEG's loss: 8x8 blocks of cosines, rounded. All channels by the luminance table; sizes in steps of 8."""
    size = views.shape[-1] // 8 * 8
    k = torch.arange(8.0)
    basis = torch.cos(math.pi * k[:, None] * (k + 0.5) / 8) * torch.where(k[:, None] == 0, 0.125**0.5, 0.5)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(-1, 1, 1, 1, 1, 1)
    blocks = views[..., :size, :size].reshape(-1, 3, size // 8, 8, size // 8, 8).transpose(3, 4)
    step = _luma_table() * scale
    kept = ((basis @ (blocks - 0.5) @ basis.T) / step).round() * step
    views[..., :size, :size] = (basis.T @ kept @ basis + 0.5).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return views

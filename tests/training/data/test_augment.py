"""Edits on tensors: seeds, shapes, geometry by hand, and what is said to be seen behind an image."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from lookalike.training.data import augment
from lookalike.training.data.augment import Augmenter
from lookalike.training.engine.recipe import LIGHT_AUGMENTATION, Augmentation
from samples import drawn

STILL = replace(Augmentation(**{field.name: 0.0 for field in fields(Augmentation)}), min_area=1.0)
"""No edit ever happens."""


def images(count: int = 8, side: int = 32) -> Tensor:
    """(count, 3, side, side) float 0..1, each like no other."""
    return torch.stack([torch.from_numpy(drawn(n, side, side)).permute(2, 0, 1).float() / 255 for n in range(count)])


@pytest.fixture(scope="module")
def augmenter() -> Augmenter:
    return Augmenter(5, 32)


def test_the_same_seed_and_step_give_the_same_views(augmenter: Augmenter) -> None:
    """What is drawn depends on the seed and the step alone, not on what was drawn before."""
    given = images()
    augmenter.begin(3)
    first = augmenter.view(given, 32, Augmentation())
    later = augmenter.view(given, 32, Augmentation())
    augmenter.begin(3)
    again = augmenter.view(given, 32, Augmentation())
    other = Augmenter(6, 32)
    other.begin(3)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], later[0])
    assert not torch.equal(first[0], other.view(given, 32, Augmentation())[0])


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    "augmentation", [LIGHT_AUGMENTATION, Augmentation(), Augmentation(*[1.0] * 16), Augmentation(min_area=0.01, crop=1)]
)
def test_every_view_is_an_image(augmenter: Augmenter, side: int, size: int, augmentation: Augmentation) -> None:
    """(N, 3, size, size), finite, 0..1; nobody stands behind himself; what was given stays as it was."""
    given = images(12, side)
    before = given.clone()
    for step in range(3):
        augmenter.begin(step)
        views, shown = augmenter.view(given, size, augmentation)
        assert views.shape == (12, 3, size, size)
        assert bool(views.isfinite().all())
        assert (views.min() >= 0, views.max() <= 1) == (True, True)
        assert (shown.shape, shown.dtype, bool(shown.diagonal().any())) == ((12, 12), torch.bool, False)
    assert torch.equal(before, given)


def test_no_edit(augmenter: Augmenter) -> None:
    """With every edit switched off a view is the image itself."""
    given = images()
    assert torch.allclose(given, augmenter.view(given, 32, STILL)[0], atol=1e-4)


def test_mirror(augmenter: Augmenter) -> None:
    """A mirrored view has its columns the other way round."""
    given = images()
    views, _ = augmenter.view(given, 32, replace(STILL, mirror=1.0))
    assert torch.allclose(given.flip(3), views, atol=1e-4)


def test_quarter_turns(augmenter: Augmenter) -> None:
    """A quarter turn is one of the three that are none, and each of them comes."""
    given = images(16)
    views, _ = augmenter.view(given, 32, replace(STILL, rotate90=1.0))
    turns = [
        [turn for turn in range(4) if torch.allclose(torch.rot90(one, turn, (1, 2)), view, atol=1e-3)]
        for one, view in zip(given, views, strict=True)
    ]
    assert all(len(found) == 1 for found in turns)
    assert {found[0] for found in turns} == {1, 2, 3}


@pytest.mark.parametrize("min_area", [0.1, 0.5, 0.9])
def test_a_crop_keeps_what_it_says(augmenter: Augmenter, min_area: float) -> None:
    """Its corners lie within the image, and it holds at least the named share of the area, in the same shape."""
    matrix = augmenter._transform(500, replace(STILL, crop=1.0, min_area=min_area))
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    seen = (corners @ matrix.transpose(1, 2))[..., :2]
    share = (seen[:, 3, 0] - seen[:, 0, 0]) * (seen[:, 3, 1] - seen[:, 0, 1]) / 4
    assert seen.abs().max() <= 1 + 1e-5
    assert min_area - 1e-5 <= share.min() < min_area + 0.1
    assert torch.allclose(matrix[:, 0, 0], matrix[:, 1, 1])


def test_a_stretched_crop(augmenter: Augmenter) -> None:
    """Stretched, it is up to 1.35 squared wider than high, within the image, and loses a quarter of it at most."""
    matrix = augmenter._transform(500, replace(STILL, crop=1.0, min_area=0.5, stretch=1.0))
    wide, high = matrix[:, 0, 0], matrix[:, 1, 1]
    assert max(wide.max(), high.max()) <= 1
    assert (wide * high).min() >= 0.5 * 0.74
    assert 1.5 < (wide / high).max() <= 1.83


def test_a_crop_is_a_part(augmenter: Augmenter) -> None:
    """In an image whose colours tell the place, the view's colours span what the matrix says."""
    line = (torch.arange(64) + 0.5) / 64
    given = torch.stack([line.expand(64, 64), line[:, None].expand(64, 64), torch.zeros(64, 64)])[None]
    augmenter.begin(1)
    matrix = augmenter._transform(1, replace(STILL, crop=1.0, min_area=0.3))[0]
    augmenter.begin(1)
    view = augmenter.view(given, 64, replace(STILL, crop=1.0, min_area=0.3))[0][0]
    for channel, axis in ((0, 0), (1, 1)):
        middle, half = matrix[axis, 2] / 2 + 0.5, matrix[axis, axis] / 2
        assert view[channel].min().item() == pytest.approx(float(middle - half), abs=0.02)
        assert view[channel].max().item() == pytest.approx(float(middle + half), abs=0.02)


def test_what_is_seen_behind(augmenter: Augmenter) -> None:
    """Images of one colour each: whose colour is seen in a view is named, and most who are named are seen."""
    colours = torch.rand(8, 3, generator=torch.Generator().manual_seed(1))
    given = colours[:, :, None, None].expand(8, 3, 32, 32).contiguous()
    named = visible = 0
    for step in range(20):
        augmenter.begin(step)
        views, shown = augmenter.view(given, 32, replace(STILL, inset=1.0))
        near = (views[:, None] - colours[None, :, :, None, None]).abs().amax(2) < 1e-3  # (view, colour, y, x)
        seen = near.flatten(2).any(2)
        assert bool(seen.diagonal().all())
        seen.fill_diagonal_(False)
        assert not bool((seen & ~shown).any())
        named, visible = named + int(shown.sum()), visible + int(seen.sum())
    assert named > 50
    assert visible / named > 0.8


def test_light_stays_close(augmenter: Augmenter) -> None:
    """A light view is nearer to its image than to any other, seen coarsely, nearly always."""
    given = images(16)
    coarse = torch.nn.functional.avg_pool2d(given, 4).flatten(1)
    right = 0
    for step in range(5):
        augmenter.begin(step)
        views = torch.nn.functional.avg_pool2d(augmenter.view(given, 32, LIGHT_AUGMENTATION)[0], 4).flatten(1)
        right += int((torch.cdist(views, coarse).argmin(1) == torch.arange(16)).sum())
    assert right >= 0.9 * 80


def test_jpeg_is_less_at_lower_quality() -> None:
    """Hardly anything is lost at quality 98, and more the lower it is."""
    given = images(4)
    lost = [
        (augment._compressed(given.clone(), torch.full((4,), quality)) - given).abs().mean().item()
        for quality in (98.0, 60.0, 10.0)
    ]
    assert lost[0] < 0.01 < lost[1] < lost[2]


def test_jpeg_works_in_blocks() -> None:
    """A changed pixel changes its own 8 x 8 block only; what is beyond the last whole block stays as it was."""
    given = images(1, 36)
    changed = given.clone()
    changed[0, :, 13, 21] = 1 - changed[0, :, 13, 21]
    quality = torch.tensor([30.0])
    first, second = augment._compressed(given.clone(), quality), augment._compressed(changed, quality)
    differ = (first != second).any(1)[0].nonzero()
    assert differ.min(0).values.tolist() >= [8, 16]
    assert differ.max(0).values.tolist() <= [15, 23]
    assert len(differ) > 32
    assert torch.equal(given[..., 32:], first[..., 32:])
    assert not torch.equal(given[..., :32, :32], first[..., :32, :32])


@pytest.mark.parametrize("strong", [0.0, 0.5, 1.0])
def test_overlays_are_laid_on_by_their_alpha(strong: float) -> None:
    """Red of a known alpha on grey: but for its rim, every pixel is grey or the mix, of one layer or of two."""
    augmenter = Augmenter(1, 16)
    augmenter.overlays = torch.tensor([1.0, 0.0, 0.0, strong]).view(1, 4, 1, 1).repeat(3, 1, 16, 16)
    red, green, _ = augmenter.view(torch.full((16, 3, 64, 64), 0.4), 64, replace(STILL, overlay=1.0))[0].unbind(1)
    once = 0.4 * (1 - strong) + strong
    twice = once * (1 - strong) + strong
    known = torch.stack([(red - value).abs() < 1e-3 for value in (0.4, once, twice)]).any(0)
    assert known.float().mean() > 0.9
    assert green.min().item() == pytest.approx(0.4 * (1 - strong) ** 2, abs=0.11)
    assert bool((red > 0.41).any()) == (strong > 0)


def test_the_colours_of_people() -> None:
    """Turning hues leaves grey as it is; no saturation is the brightness that eyes see."""
    grey = torch.full((3,), 0.3)
    for angle in (0.5, 2.0, -3.0):
        assert torch.allclose(grey, augment._hue(torch.tensor([angle]))[0] @ grey, atol=1e-6)
    third = augment._hue(torch.tensor([2 * torch.pi / 3]))[0]
    assert torch.allclose(torch.tensor([0.0, 1.0, 0.0]), (third @ torch.tensor([1.0, 0, 0])).abs(), atol=1e-6) or (
        torch.allclose(torch.tensor([0.0, 0.0, 1.0]), (third @ torch.tensor([1.0, 0, 0])).abs(), atol=1e-6)
    )
    dull = augment._saturation(torch.zeros(1))[0] @ torch.tensor([0.2, 0.6, 0.9])
    assert torch.allclose(torch.full((3,), 0.299 * 0.2 + 0.587 * 0.6 + 0.114 * 0.9), dull)


def test_a_blur_keeps_the_mean() -> None:
    """A bright point spreads evenly and loses nothing."""
    point = torch.zeros(1, 3, 17, 17)
    point[..., 8, 8] = 1
    blurred = augment._blurred(point, 1.4)
    assert blurred.sum().item() == pytest.approx(3, abs=1e-4)
    assert torch.allclose(blurred, blurred.transpose(2, 3), atol=1e-6)
    assert blurred.max() < 0.2

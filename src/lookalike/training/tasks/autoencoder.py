"""An autoencoder: images through a narrow place and back, without labels; what passes is a descriptor.

Strided convolutions down to 4 or so cells each way and one linear map to the latent; one linear map and upsampling
convolutions back (Odena et al., "Deconvolution and checkerboard artifacts", 2016). Variational: the latent is a normal
distribution that is drawn from (Kingma and Welling, arXiv 1312.6114), its weight ``beta`` (Higgins et al., 2017). It
has to beat principal components of as many numbers, on images that neither has seen; so, unless told otherwise, it
begins as these, of small images, and learns what they leave (as He et al., arXiv 1512.03385, around an identity).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.distance import euclidean
from lookalike.errors import UserError
from lookalike.evaluation.ranking_metrics import mean_average_precision
from lookalike.training.data.augmented_views import Views
from lookalike.training.data.image_folder import Labelled, Rows, Split, evenly, read_images, split
from lookalike.training.engine.recipe import Strength
from lookalike.training.engine.settings import Settings, check, setting
from lookalike.training.engine.trainer import Figures, Loss, Run, device, finish, quick
from lookalike.training.export.artifacts import Made
from lookalike.training.export.training_page import Page, Section, Strip, Table, learning, shown
from lookalike.training.models.embedding_net import batches, outputs
from lookalike.training.tasks.pca import Components, as_pixels, components
from lookalike.types import Floats, Pixels, Progress

LOSSES = ("mse", "l1", "l1+mse")
STRAIGHT = 32  # pixels of the small images whose principal components it begins with
DOWN = 16  # pixels of an image's side to a cell of the last map
LOOKED_AT, MEASURED = 500, 2000  # held-out images at each look, and at the end
SHOWN = 8  # images on the page, of each kind
SHIFTED = Strength(
    crop=0.5, area=0.7, mirror=0.5, quarter=0.0, angle=0.0, perspective=0.0, inside=0.0, colour=0.2, odd_colour=0.0,
    overlay=0.0, blur=0.0, pixelate=0.0, noise=0.0, posterise=0.0, jpeg=0.0, stretch=1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AutoencoderSettings(Settings):
    """See setting by setting; ``side`` must be a multiple of DOWN."""

    side: int = setting(64, "Pixels that every image is squeezed to; a multiple of 16.", least=32, most=512)
    epochs: float = setting(60.0, "How often every image is seen.", least=0.001)
    latent: int = setting(64, "Numbers in a vector.", least=2, most=4096)
    width: int = setting(32, "Channels after the first layer; they double three times.", least=4, most=256)
    loss: str = setting("mse", "How a pixel's error counts.", LOSSES)
    straight: bool = setting(True, "Begin with principal components, and learn what they leave.")
    variational: bool = setting(False, "Draw the latent from a normal distribution (VAE).")
    beta: float = setting(0.1, "Weight of that distribution's divergence from the standard one.", most=1000)


class Autoencoder(nn.Module):
    """(N, 3, S, S) float RGB 0..1 -> the mean and the log-variance of the latent, each (N, L).

    ``line``: components of images of STRAIGHT pixels, which it begins with."""

    directions: Tensor
    middle: Tensor

    def __init__(self, side: int, latent: int, width: int, line: Components | None = None) -> None:
        super().__init__()
        self.side = side
        self.cells, widths = side // DOWN, [width, 2 * width, 4 * width, 8 * width]
        down, inside = [], 3
        for outside in widths:
            down += [nn.Conv2d(inside, outside, 4, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.LeakyReLU(0.2)]
            inside = outside
        self.down = nn.Sequential(*down)
        numbers = inside * self.cells**2
        self.mean, self.spread = nn.Linear(numbers, latent), nn.Linear(numbers, latent)
        self.open = nn.Linear(latent, numbers)
        up: list[nn.Module] = []
        for outside in (*widths[-2::-1], width // 2):
            up += [nn.BatchNorm2d(inside), nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2)]
            up += [nn.Conv2d(inside, outside, 3, 1, 1, bias=False)]
            inside = outside
        self.up = nn.Sequential(*up, nn.BatchNorm2d(inside), nn.LeakyReLU(0.2), nn.Conv2d(inside, 3, 3, 1, 1))
        small = 3 * STRAIGHT**2
        self.register_buffer("directions", line.directions if line else torch.zeros(small, latent))
        self.register_buffer("middle", line.mean if line else torch.full((small,), 0.5))
        if line:
            for last in (self.mean, self.up[-1]):
                nn.init.zeros_(cast(nn.Linear, last).weight)
                nn.init.zeros_(cast(Tensor, last.bias))

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.down(image * 2 - 1).flatten(1)
        return self.mean(maps).float() + self._straight(image), self.spread(maps).float()

    def decode(self, latent: Tensor) -> Tensor:
        """(N, L) -> (N, 3, S, S), mostly 0..1."""
        maps = self.open(latent)
        learnt: Tensor = self.up(maps.view(len(latent), -1, self.cells, self.cells)).float()
        with torch.autocast(latent.device.type, enabled=False):
            small = (latent.float() @ self.directions.T + self.middle).view(-1, 3, STRAIGHT, STRAIGHT)
        return learnt + functional.interpolate(small, (self.side, self.side), mode="bilinear")

    def _straight(self, image: Tensor) -> Tensor:
        """(N, L): the components of the small image."""
        small = functional.interpolate(image.float(), (STRAIGHT, STRAIGHT), mode="bilinear", antialias=True)
        with torch.autocast(image.device.type, enabled=False):
            return (small.flatten(1) - self.middle) @ self.directions

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.encode(image)


class Coding:
    """The task: views, the error of what comes back, and how much of the held-out images it explains."""

    def __init__(
        self, settings: AutoencoderSettings, images: Labelled, parted: Split, line: Components | None = None
    ) -> None:
        self.settings, self.pack, self.parted = settings, images.pack, parted
        self.identity: Mapping[str, Any] = {
            "task": "autoencoder", "side": settings.side, "latent": settings.latent, "width": settings.width,
            "variational": settings.variational, "straight": settings.straight,
        }  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = quick(Autoencoder(settings.side, settings.latent, settings.width, line))
        self.helper = nn.Identity()
        self.views = Views(settings.seed, settings.side, strength=SHIFTED)
        self.looked = evenly(parted.held, LOOKED_AT)

    def loss(self, step: int) -> Loss:
        """The error of each pixel, and of a variational latent its divergence, per pixel as well."""
        drawn, count = self.views.begin(step), min(self.settings.batch, len(self.parted.kept))
        images = self.views.of(self.pack.pixels[np.sort(drawn.choice(self.parted.kept, count, replace=False))])
        with torch.autocast(device().type, torch.bfloat16):
            mean, spread = self.network.encode(images)
            latent = self._drawn(mean, spread) if self.settings.variational else mean
            rebuilt = self.network.decode(latent)
        parts, weights = {"error": pixel_error(rebuilt, images, self.settings.loss)}, {"error": 1.0}
        if self.settings.variational:
            parts["divergence"] = divergence(mean, spread) / images[0].numel()
            weights["divergence"] = self.settings.beta
        return Loss(parts, weights)

    def _drawn(self, mean: Tensor, spread: Tensor) -> Tensor:
        """One draw of each normal distribution; ``spread``: the logarithm of its variance."""
        noise = torch.randn(mean.shape, generator=self.views.random).to(mean.device)
        return mean + noise * (spread / 2).exp()

    def validate(self, network: nn.Module) -> Figures:
        """The share of the held-out images' variance that comes back, which decides, and the mean squared error."""
        pixels = self.pack.pixels[self.looked]
        error = squared_error(
            pixels, self.settings.side, rebuilt_by(cast(Autoencoder, network), pixels, self.settings.side)
        )
        return {"explained": 1 - error / variance(pixels, self.settings.side), "squared error": error}


def pixel_error(rebuilt: Tensor, images: Tensor, kind: str) -> Tensor:
    """The mean over all numbers of the square of what they are off, of its size, or of both."""
    off = rebuilt - images
    parts = {"mse": off.square(), "l1": off.abs(), "l1+mse": off.abs() + off.square()}
    return parts[kind].mean()


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """(N, L) mean and log-variance -> the divergence from the standard normal distribution, in nats an image
    (arXiv 1312.6114, appendix B)."""
    return (mean.square() + spread.exp() - 1 - spread).sum(1).mean() / 2


def rebuilt_by(network: Autoencoder, pixels: Pixels, size: int) -> Tensor:
    """(N, s, s, 3) uint8 -> what the network makes of each, (N, 3, size, size)."""
    network.eval()
    with torch.no_grad():
        return torch.cat([network.decode(network.encode(images)[0]).cpu() for images in batches(pixels, size)])


def squared_error(pixels: Pixels, size: int, rebuilt: Tensor) -> float:
    """The mean over all numbers, 0..1, of the square of what they are off."""
    starts, total = 0, 0.0
    for images in batches(pixels, size):
        total += float((images.cpu() - rebuilt[starts : starts + len(images)]).square().sum())
        starts += len(images)
    return total / rebuilt.numel()


def variance(pixels: Pixels, size: int) -> float:
    """Of the images' numbers about the mean image: what a constant answer is off at least."""
    mean = torch.cat([images.cpu() for images in batches(pixels, size)]).mean(0, keepdim=True)
    return squared_error(pixels, size, mean.expand(len(pixels), -1, -1, -1))


def train_autoencoder(source: Path, settings: AutoencoderSettings, run_folder: Path, progress: Progress) -> Made:
    """Train on the images of ``source``, labels or not, from where the run in ``run_folder`` was, and measure.

    Interrupted, the best network so far is what is made. Raises UserError for images or settings that will not do,
    for a run of something else, and when a loss is no longer a number."""
    check(settings)
    if settings.side % DOWN:
        raise UserError(f"--side {settings.side}: an autoencoder's must be a multiple of {DOWN}")
    images = read_images(source, settings.side, run_folder / "packs", settings.nested)
    parted = split(images.pack, settings.held_out, settings.seed, run_folder / "held.json")
    line = components(images.pack.pixels[parted.kept], settings.side, settings.latent)
    start = components(images.pack.pixels[parted.kept], STRAIGHT, settings.latent) if settings.straight else None
    run = Run(Coding(settings, images, parted, start), settings.plan(len(parted.kept)), run_folder)
    complete = finish(run, progress)
    network = cast(Autoencoder, run.trained().to(device()))
    told = compared(network, line, images, evenly(parted.held, MEASURED), settings.side)
    return Made(
        network=network,
        side=settings.side,
        dim=settings.latent,
        metric="euclidean",
        median_negative_distance=told.median_negative_distance,
        source=f"{'variational ' if settings.variational else ''}autoencoder with {settings.latent} numbers",
        weaknesses=("knows where light and colour are, not what is shown",),
        figures=told.figures,
        details={"held_out": len(parted.held), "loss": settings.loss, "variational": settings.variational},
        page=_page(network, line, told, images, parted, run_folder, settings),
        images=len(parted.kept),
        best=run.best.step if run.best else run.step,
        step=run.step,
        complete=complete,
        notes=images.notes,
        failed=images.pack.failed,
    )


# --- how good it is


@dataclass(frozen=True, slots=True)
class Compared:
    """The network and the principal components on the same held-out images; ``median_negative_distance``: the median
    distance."""

    figures: Mapping[str, float]
    median_negative_distance: float


def compared(network: Autoencoder, line: Components, images: Labelled, held: Rows, size: int) -> Compared:
    """Both at the same number of numbers: what they are off, what they explain, and how well they find a class."""
    pixels, labels = images.pack.pixels[held], images.pack.labels[held]
    ours, theirs = outputs(network, pixels, size)[0], line.latent(pixels, size)
    errors = {"": squared_error(pixels, size, rebuilt_by(network, pixels, size))}
    errors["PCA "] = squared_error(pixels, size, line.rebuilt(theirs, size))
    whole = variance(pixels, size)
    figures = {f"{who}squared error": error for who, error in errors.items()}
    figures |= {f"{who}explained": 1 - error / whole for who, error in errors.items()}
    if _can_be_found(labels):
        figures |= {"mAP": found(ours, labels), "PCA mAP": found(theirs, labels)}
    apart = euclidean(ours, ours)[np.triu_indices(len(ours), 1)]
    return Compared(figures, float(np.median(apart)) if apart.size and np.median(apart) > 0 else 1.0)


def _can_be_found(labels: Rows) -> bool:
    kinds, counts = np.unique(labels[labels >= 0], return_counts=True)
    return len(kinds) > 1 and bool((counts > 1).any())


def found(vectors: Floats, labels: Rows) -> float:
    """The mean average precision of looking for the others of one's class, by Euclidean distance."""
    vectors, labels = vectors[labels >= 0], labels[labels >= 0]
    table = euclidean(vectors, vectors)
    np.fill_diagonal(table, np.inf)
    return mean_average_precision(table, (labels[:, None] == labels) & ~np.eye(len(labels), dtype=bool))


# --- the page


def _page(
    network: Autoencoder, line: Components, told: Compared, images: Labelled, parted: Split, run_folder: Path,
    settings: AutoencoderSettings,
) -> Page:  # fmt: skip
    figures = told.figures
    facts = (
        ("Trained on", f"{len(parted.kept):,}"),
        ("Held out", f"{len(parted.held):,}"),
        ("Numbers", str(settings.latent)),
        ("Explained", f"{figures['explained']:.1%}"),
        ("PCA explains", f"{figures['PCA explained']:.1%}"),
    )
    sections = (
        learning(run_folder, ("error", "divergence"), ("explained",)),
        _beside(figures),
        *(
            _rebuilt(network, line, images.pack.pixels[evenly(rows, SHOWN)], settings.side, what)
            for rows, what in ((parted.held, "Held-out images"), (parted.kept, "Images that it was trained on"))
        ),
    )
    return Page("An autoencoder", facts, sections, images.notes, images.pack.failed)


def _beside(figures: Mapping[str, float]) -> Section:
    names = ("squared error", "explained", *(["mAP"] if "mAP" in figures else []))
    rows = tuple((who or "autoencoder", *(f"{figures[f'{who}{name}']:.4f}" for name in names)) for who in ("", "PCA "))
    lede = (
        "Principal components of the same training images and their mirror images, as many numbers, and the same "
        "held-out images. Squared error: the mean over pixels of 0..1. mAP: how far in front the others of a class "
        "stand, by distance."
    )
    return Section("Beside principal components", lede, tables=(Table(("", *names), rows),))


def _rebuilt(network: Autoencoder, line: Components, pixels: Pixels, size: int, what: str) -> Section:
    ours = as_pixels(rebuilt_by(network, pixels, size))
    theirs = as_pixels(line.rebuilt(line.latent(pixels, size), size))
    rows = (("Originals", pixels), ("Through the autoencoder", ours), ("Through principal components", theirs))
    strips = tuple(Strip(name, tuple(shown(one) for one in kind)) for name, kind in rows)
    return Section(what, "As they are, and as they come back.", strips=strips)

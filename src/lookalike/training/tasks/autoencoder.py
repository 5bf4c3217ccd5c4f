"""An autoencoder: images through a bottleneck and back, without labels; the latent is a descriptor.

Strided convolutions down to 4 or so cells each way and one linear map to the latent; one linear map and upsampling
convolutions back (Odena et al., "Deconvolution and checkerboard artifacts", 2016). Variational: the latent is a normal
distribution that is drawn from (Kingma and Welling, arXiv 1312.6114), its weight ``beta`` (Higgins et al., 2017). It
has to beat principal components of as many numbers, on images that neither has seen; so, unless set otherwise, it
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
from lookalike.pca import PCA
from lookalike.training.data.augmented_views import Views
from lookalike.training.data.image_folder import ImageFolder, Rows, Split, evenly_spaced, hold_out, read_images
from lookalike.training.engine.recipe import Augmentation
from lookalike.training.engine.settings import Settings, check_settings, setting
from lookalike.training.engine.trainer import Loss, Metrics, Trainer, device, fit, to_channels_last
from lookalike.training.export.artifacts import TrainedModel
from lookalike.training.export.training_page import Page, Section, Strip, Table, captioned, learning_curves
from lookalike.training.models.embedding_net import batches, predict
from lookalike.training.tasks.image_pca import as_pixels, decode, encode, image_pca
from lookalike.types import Floats, Pixels, Progress

LOSSES = ("mse", "l1", "l1+mse")
PCA_SIDE = 32  # pixels of the small images whose principal components it begins with
STRIDE = 16  # pixels of an image's side to a cell of the last map
VALIDATION_IMAGES, TEST_IMAGES = 500, 2000  # held-out images at each validation, and at the end
EXAMPLES = 8  # images on the page, of each kind
LIGHT_CROPS = Augmentation(
    crop=0.5,
    min_area=0.7,
    mirror=0.5,
    rotate90=0.0,
    rotation=0.0,
    perspective=0.0,
    inset=0.0,
    colour=0.2,
    colour_filter=0.0,
    overlay=0.0,
    blur=0.0,
    pixelate=0.0,
    noise=0.0,
    posterise=0.0,
    jpeg=0.0,
    stretch=1.0,
)


@dataclass(frozen=True, slots=True)
class AutoencoderSettings(Settings):
    """See setting by setting; ``side`` must be a multiple of DOWN."""

    side: int = setting(64, "Pixels that every image is squeezed to; a multiple of 16.", minimum=32, maximum=512)
    epochs: float = setting(60.0, "Passes over the training images.", minimum=0.001)
    latent: int = setting(64, "Numbers in a vector.", minimum=2, maximum=4096)
    width: int = setting(32, "Channels after the first layer; they double three times.", minimum=4, maximum=256)
    loss: str = setting("mse", "Reconstruction loss.", LOSSES)
    pca_init: bool = setting(True, "Start from principal components, and learn their residual.")
    variational: bool = setting(False, "Sample the latent from a normal distribution (VAE).")
    beta: float = setting(0.1, "Weight of its KL divergence from the standard normal one.", maximum=1000)


class Autoencoder(nn.Module):
    """(N, 3, S, S) float RGB 0..1 -> the mean and the log-variance of the latent, each (N, L).

    ``pca``: components of images of STRAIGHT pixels, which it begins with."""

    components: Tensor
    pca_mean: Tensor

    def __init__(self, side: int, latent: int, width: int, pca: PCA | None = None) -> None:
        super().__init__()
        self.side = side
        self.cells, widths = side // STRIDE, [width, 2 * width, 4 * width, 8 * width]
        down, inside = [], 3
        for outside in widths:
            down += [nn.Conv2d(inside, outside, 4, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.LeakyReLU(0.2)]
            inside = outside
        self.down = nn.Sequential(*down)
        numbers = inside * self.cells**2
        self.mean, self.log_variance = nn.Linear(numbers, latent), nn.Linear(numbers, latent)
        self.open = nn.Linear(latent, numbers)
        up: list[nn.Module] = []
        for outside in (*widths[-2::-1], width // 2):
            up += [nn.BatchNorm2d(inside), nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2)]
            up += [nn.Conv2d(inside, outside, 3, 1, 1, bias=False)]
            inside = outside
        self.up = nn.Sequential(*up, nn.BatchNorm2d(inside), nn.LeakyReLU(0.2), nn.Conv2d(inside, 3, 3, 1, 1))
        small = 3 * PCA_SIDE**2
        self.register_buffer("components", torch.from_numpy(pca.components) if pca else torch.zeros(small, latent))
        self.register_buffer("pca_mean", torch.from_numpy(pca.mean) if pca else torch.full((small,), 0.5))
        if pca:
            for last in (self.mean, self.up[-1]):
                nn.init.zeros_(cast(nn.Linear, last).weight)
                nn.init.zeros_(cast(Tensor, last.bias))

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.down(image * 2 - 1).flatten(1)
        return self.mean(maps).float() + self._pca_latent(image), self.log_variance(maps).float()

    def decode(self, latent: Tensor) -> Tensor:
        """(N, L) -> (N, 3, S, S), mostly 0..1."""
        maps = self.open(latent)
        learnt: Tensor = self.up(maps.view(len(latent), -1, self.cells, self.cells)).float()
        with torch.autocast(latent.device.type, enabled=False):
            small = (latent.float() @ self.components.T + self.pca_mean).view(-1, 3, PCA_SIDE, PCA_SIDE)
        return learnt + functional.interpolate(small, (self.side, self.side), mode="bilinear")

    def _pca_latent(self, image: Tensor) -> Tensor:
        """(N, L): the components of the small image."""
        small = functional.interpolate(image.float(), (PCA_SIDE, PCA_SIDE), mode="bilinear", antialias=True)
        with torch.autocast(image.device.type, enabled=False):
            return (small.flatten(1) - self.pca_mean) @ self.components

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.encode(image)


class AutoencoderTask:
    """The task: views, the reconstruction error, and the explained variance of the held-out images."""

    def __init__(
        self, settings: AutoencoderSettings, images: ImageFolder, split: Split, pca: PCA | None = None
    ) -> None:
        self.settings, self.cache, self.split = settings, images.cache, split
        self.identity: Mapping[str, Any] = {
            "task": "autoencoder", "side": settings.side, "latent": settings.latent, "width": settings.width,
            "variational": settings.variational, "pca_init": settings.pca_init,
        }  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = to_channels_last(Autoencoder(settings.side, settings.latent, settings.width, pca))
        self.aux_head = nn.Identity()
        self.views = Views(settings.seed, settings.side, augmentation=LIGHT_CROPS)
        self.validated = evenly_spaced(split.held_out, VALIDATION_IMAGES)

    def loss(self, step: int) -> Loss:
        """The error of each pixel, and of a variational latent its divergence, per pixel as well."""
        rng, count = self.views.begin(step), min(self.settings.batch, len(self.split.training))
        images = self.views.of(self.cache.pixels[np.sort(rng.choice(self.split.training, count, replace=False))])
        with torch.autocast(device().type, torch.bfloat16):
            mean, log_variance = self.network.encode(images)
            latent = self._sample(mean, log_variance) if self.settings.variational else mean
            reconstruction = self.network.decode(latent)
        parts, weights = {"error": pixel_error(reconstruction, images, self.settings.loss)}, {"error": 1.0}
        if self.settings.variational:
            parts["divergence"] = divergence(mean, log_variance) / images[0].numel()
            weights["divergence"] = self.settings.beta
        return Loss(parts, weights)

    def _sample(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """One draw of each normal distribution; ``log_variance``: the logarithm of its variance."""
        noise = torch.randn(mean.shape, generator=self.views.random).to(mean.device)
        return mean + noise * (log_variance / 2).exp()

    def validate(self, network: nn.Module) -> Metrics:
        """The explained variance of the held-out images, which decides, and the mean squared error."""
        pixels = self.cache.pixels[self.validated]
        error = squared_error(
            pixels, self.settings.side, reconstruct(cast(Autoencoder, network), pixels, self.settings.side)
        )
        return {"explained": 1 - error / variance(pixels, self.settings.side), "squared error": error}


def pixel_error(reconstruction: Tensor, images: Tensor, kind: str) -> Tensor:
    """The mean over all numbers of the squared error, the absolute error, or both."""
    off = reconstruction - images
    parts = {"mse": off.square(), "l1": off.abs(), "l1+mse": off.abs() + off.square()}
    return parts[kind].mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """(N, L) mean and log-variance -> the divergence from the standard normal distribution, in nats an image
    (arXiv 1312.6114, appendix B)."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2


def reconstruct(network: Autoencoder, pixels: Pixels, size: int) -> Tensor:
    """(N, s, s, 3) uint8 -> the reconstruction of each, (N, 3, size, size)."""
    network.eval()
    with torch.no_grad():
        return torch.cat([network.decode(network.encode(images)[0]).cpu() for images in batches(pixels, size)])


def squared_error(pixels: Pixels, size: int, reconstruction: Tensor) -> float:
    """The mean squared error over all numbers, 0..1."""
    starts, total = 0, 0.0
    for images in batches(pixels, size):
        total += float((images.cpu() - reconstruction[starts : starts + len(images)]).square().sum())
        starts += len(images)
    return total / reconstruction.numel()


def variance(pixels: Pixels, size: int) -> float:
    """Of the images' numbers about the mean image: what a constant answer is off at least."""
    mean = torch.cat([images.cpu() for images in batches(pixels, size)]).mean(0, keepdim=True)
    return squared_error(pixels, size, mean.expand(len(pixels), -1, -1, -1))


def train_autoencoder(
    source: Path, settings: AutoencoderSettings, run_folder: Path, progress: Progress
) -> TrainedModel:
    """Train on the images of ``source``, labels or not, from where the run in ``run_folder`` was, and measure.

    Interrupted, the best network so far is what is made. Raises UserError for images or settings that will not do,
    for a run of something else, and when a loss is no longer a number."""
    check_settings(settings)
    if settings.side % STRIDE:
        raise UserError(f"--side {settings.side}: an autoencoder's must be a multiple of {STRIDE}")
    images = read_images(source, settings.side, run_folder / "image-cache", settings.nested)
    split = hold_out(images.cache, settings.held_out, settings.seed, run_folder / "held.json")
    pca = image_pca(images.cache.pixels[split.training], settings.side, settings.latent)
    initial = image_pca(images.cache.pixels[split.training], PCA_SIDE, settings.latent) if settings.pca_init else None
    trainer = Trainer(
        AutoencoderTask(settings, images, split, initial), settings.schedule(len(split.training)), run_folder
    )
    complete = fit(trainer, progress)
    network = cast(Autoencoder, trainer.best_network().to(device()))
    evaluation = evaluate_autoencoder(network, pca, images, evenly_spaced(split.held_out, TEST_IMAGES), settings.side)
    return TrainedModel(
        network=network,
        side=settings.side,
        dim=settings.latent,
        metric="euclidean",
        median_negative_distance=evaluation.median_negative_distance,
        source=f"{'variational ' if settings.variational else ''}autoencoder with {settings.latent} numbers",
        weaknesses=("encodes where light and colour are, not what is shown",),
        metrics=evaluation.metrics,
        details={"held_out": len(split.held_out), "loss": settings.loss, "variational": settings.variational},
        page=_page(network, pca, evaluation, images, split, run_folder, settings),
        images=len(split.training),
        digests=split.digests(images.cache),
        best=trainer.best.step if trainer.best else trainer.step,
        step=trainer.step,
        complete=complete,
        notes=images.notes,
        failed=images.cache.failed,
    )


# --- how good it is


@dataclass(frozen=True, slots=True)
class AutoencoderMetrics:
    """The network and the principal components on the same held-out images; ``median_negative_distance``: the median
    distance."""

    metrics: Mapping[str, float]
    median_negative_distance: float


def evaluate_autoencoder(
    network: Autoencoder, pca: PCA, images: ImageFolder, held: Rows, size: int
) -> AutoencoderMetrics:
    """Both with as many dimensions: squared error, explained variance and, where there are labels, mAP."""
    pixels, labels = images.cache.pixels[held], images.cache.labels[held]
    ours, theirs = predict(network, pixels, size)[0], encode(pca, pixels, size)
    errors = {"": squared_error(pixels, size, reconstruct(network, pixels, size))}
    errors["PCA "] = squared_error(pixels, size, decode(pca, theirs, size))
    whole = variance(pixels, size)
    metrics = {f"{who}squared error": error for who, error in errors.items()}
    metrics |= {f"{who}explained": 1 - error / whole for who, error in errors.items()}
    if _has_pairs(labels):
        metrics |= {"mAP": label_map(ours, labels), "PCA mAP": label_map(theirs, labels)}
    distances = euclidean(ours, ours)[np.triu_indices(len(ours), 1)]
    return AutoencoderMetrics(
        metrics, float(np.median(distances)) if distances.size and np.median(distances) > 0 else 1.0
    )


def _has_pairs(labels: Rows) -> bool:
    kinds, counts = np.unique(labels[labels >= 0], return_counts=True)
    return len(kinds) > 1 and bool((counts > 1).any())


def label_map(vectors: Floats, labels: Rows) -> float:
    """The mean average precision of retrieving the other images of a class, by Euclidean distance."""
    vectors, labels = vectors[labels >= 0], labels[labels >= 0]
    table = euclidean(vectors, vectors)
    np.fill_diagonal(table, np.inf)
    return mean_average_precision(table, (labels[:, None] == labels) & ~np.eye(len(labels), dtype=bool))


# --- the page


def _page(
    network: Autoencoder, pca: PCA, evaluation: AutoencoderMetrics, images: ImageFolder, split: Split, run_folder: Path,
    settings: AutoencoderSettings,
) -> Page:  # fmt: skip
    metrics = evaluation.metrics
    facts = (
        ("Trained on", f"{len(split.training):,}"),
        ("Held out", f"{len(split.held_out):,}"),
        ("Latent dimensions", str(settings.latent)),
        ("Explained variance", f"{metrics['explained']:.1%}"),
        ("PCA explains", f"{metrics['PCA explained']:.1%}"),
    )
    sections = (
        learning_curves(run_folder, ("error", "divergence"), ("explained",)),
        _baseline(metrics),
        *(
            _reconstructions(network, pca, images.cache.pixels[evenly_spaced(rows, EXAMPLES)], settings.side, what)
            for rows, what in ((split.held_out, "Held-out images"), (split.training, "Images that it was trained on"))
        ),
    )
    return Page("An autoencoder", facts, sections, images.notes, images.cache.failed)


def _baseline(metrics: Mapping[str, float]) -> Section:
    names = ("squared error", "explained", *(["mAP"] if "mAP" in metrics else []))
    rows = tuple((who or "autoencoder", *(f"{metrics[f'{who}{name}']:.4f}" for name in names)) for who in ("", "PCA "))
    lede = (
        "Principal components of the same training images and their mirror images, as many numbers, and the same "
        "held-out images. Squared error: the mean over pixels of 0..1. mAP: mean average precision of the "
        "others of a class, by distance."
    )
    return Section("Beside principal components", lede, tables=(Table(("", *names), rows),))


def _reconstructions(network: Autoencoder, pca: PCA, pixels: Pixels, size: int, what: str) -> Section:
    ours = as_pixels(reconstruct(network, pixels, size))
    theirs = as_pixels(decode(pca, encode(pca, pixels, size), size))
    rows = (("Originals", pixels), ("Autoencoder", ours), ("Principal components", theirs))
    strips = tuple(Strip(name, tuple(captioned(one) for one in kind)) for name, kind in rows)
    return Section(what, "The originals and their reconstructions.", strips=strips)

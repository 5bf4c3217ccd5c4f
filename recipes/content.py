"""Trains the shipped network of `content`, `lookalike-content-1`, by distillation from what a known network sees.

    python recipes/content.py DATA RUN OUT.onnx [STEPS STEPS]

DATA holds teacher.onnx (recipes/teacher.py), tiny, imagenette, woof, fashion and scenes. First recipes/content_crops.py
keeps 100,000 crops and what the teacher makes of each (17 GB, ten minutes). Then the network learns to see the same: in
windows, cell by cell at three depths (hints: FitNets, arXiv 1412.6550), with the teacher's classes (Hinton et al.,
arXiv 1503.02531) and a vector made of both; at last that vector and the classes alone, in whole images as they are
seen in use. An hour on two cores. Checkpoints in RUN, from which the same call goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from content_crops import CROP_SIDE, LEVELS, STEP, TEACHER_SIDE, Crops, classifier, read
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lookalike.pca import PCA, principal_components
from lookalike.training.data.augmented_views import to_device, to_tensor
from lookalike.training.data.image_cache import square
from lookalike.training.engine.losses import cosine_distillation
from lookalike.training.engine.trainer import Loss, Metrics, Schedule, Trainer, to_channels_last
from lookalike.training.export.card import CardContents, OutputSpec, write_card
from lookalike.training.export.onnx_export import export_embedding_net
from lookalike.training.models.embedding_net import EmbeddingNet, predict
from lookalike.training.models.residual_net import EMBEDDING_DIM, TRUNK_CHANNELS
from lookalike.training.models.separable_trunk import DEPTHS
from lookalike.types import Floats

PHASES, STEPS, LEARNING_RATES = ("parts", "joined", "whole"), (900, 1000, 350), (2e-3, 1.5e-3, 4e-4)
BATCH, WARMUP_STEPS, WEIGHT_DECAY, EMA_DECAY, VALIDATE_EVERY = 256, 100, 0.02, 0.995, 450
HELD_OUT = 200  # crops of each source, for validation
SOURCE_FRACTIONS = {
    "nette": 0.24,
    "woof": 0.12,
    "fashion": 0.22,
    "scenes": 0.10,
    "tiny": 0.16,
    "mosaic": 0.16,
}  # of a batch
LOSS_WEIGHTS = {"content": 3.0, "early": 1.0, "middle": 1.0, "last": 1.0, "classes": 0.5}
LEVEL_LAYERS = {
    "early": 2 + sum(DEPTHS[:2]),
    "middle": 2 + sum(DEPTHS[:3]),
}  # layers of the trunk up to the map of a level


# --- the target of `content`


@dataclass(frozen=True)
class TeacherTarget:
    """The teacher's vector of an image: the principal directions of its features, half whitened, beside the roots of
    the probabilities of its classes (whose Euclidean distance is Hellinger's), and of both the 256 largest directions.

    On clothing that finds 41.1 % (mAP), where the teacher's features find 32.3 and the roots alone 38.1; on flowers
    28.1, 29.6 and 26.0."""

    weight: Floats
    bias: Floats
    features: tuple[Floats, Floats]
    both: PCA

    def of(self, features: Floats) -> Floats:
        """(N, 768) -> (N, 256) of unit length."""
        return _unit(self.both.project(self._both(features)))

    def _both(self, features: Floats) -> Floats:
        mean, directions = self.features
        return np.concatenate([_unit((features - mean) @ directions), np.sqrt(self._classes(features))], 1)

    def _classes(self, features: Floats) -> Floats:
        logits = features @ self.weight + self.bias
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))


def fit_target(features: Floats, weight: Floats, bias: Floats) -> TeacherTarget:
    """Fitted to the teacher's features of the training images."""
    pca = principal_components(features, EMBEDDING_DIM)
    deviation = pca.project(features).std(0)
    half_whitened = (pca.mean, pca.components / np.sqrt(deviation))
    both = TeacherTarget(weight, bias, half_whitened, pca)._both(features)
    return TeacherTarget(weight, bias, half_whitened, principal_components(both, EMBEDDING_DIM))


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9), np.float32)


# --- the task


class DistillationTask:
    """Draws crops of every source in fixed shares. ``aux_head`` reads the teacher's last map from the network's.

    In the phase "parts" each part of the network learns by itself what the teacher makes of its own map before; in
    "joined" each begins with what the part before it gives; "whole" has no more maps, but larger images, half of them
    mirrored."""

    def __init__(self, crops: Mapping[str, Crops], target: TeacherTarget, phase: str) -> None:
        self.crops, self.phase, self.seed = crops, phase, PHASES.index(phase)
        self.identity: Mapping[str, Any] = {"task": "content", "phase": phase}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.network = to_channels_last(EmbeddingNet())
            self.network.drop.p = 0.0
            self.aux_head = nn.Conv2d(TRUNK_CHANNELS, LEVELS["last"].channels, 1)
        self.features = {name: one.features if phase == "whole" else one.pooled for name, one in crops.items()}
        self.targets = {name: target.of(features) for name, features in self.features.items()}
        self.weight, self.bias = torch.from_numpy(target.weight), torch.from_numpy(target.bias)
        self.scales = {level: _scales(crops, level) for level in LEVELS}

    def loss(self, step: int) -> Loss:
        rng = np.random.default_rng([self.seed, step])
        rows = {name: np.sort(rng.integers(HELD_OUT, len(self.targets[name]), round(BATCH * share)))
                for name, share in SOURCE_FRACTIONS.items()}  # fmt: skip
        targets, features = (torch.from_numpy(np.concatenate([one[name][some] for name, some in rows.items()]))
                             for one in (self.targets, self.features))  # fmt: skip
        shown = {} if self.phase == "whole" else {level: self._shown(rows, level) for level in LEVELS}
        image = (to_device(self._pixels(rows, rng)) - self.network.mean) / self.network.std
        with torch.autocast("cpu", torch.bfloat16):
            early = self.network.trunk[: LEVEL_LAYERS["early"]](image)
            middle = self.network.trunk[LEVEL_LAYERS["early"] : LEVEL_LAYERS["middle"]](
                self._before(early, shown.get("early"))
            )
            last = self.network.trunk[LEVEL_LAYERS["middle"] :](self._before(middle, shown.get("middle")))
            vectors, read = self.network.vectors(last), self.aux_head(last)
        given = {"early": early, "middle": middle, "last": read}
        parts = {"content": cosine_distillation(vectors, targets)}
        parts |= {level: self._hint_loss(given[level].float(), map_, level) for level, map_ in shown.items()}
        soft_labels = functional.softmax(features @ self.weight + self.bias, 1)
        parts["classes"] = functional.cross_entropy(read.float().mean((2, 3)) @ self.weight + self.bias, soft_labels)
        return Loss(parts, LOSS_WEIGHTS)

    def _before(self, own: Tensor, shown: Tensor | None) -> Tensor:
        return own if shown is None or self.phase != "parts" else shown

    def _hint_loss(self, given: Tensor, shown: Tensor, level: str) -> Tensor:
        """In variances of each channel."""
        return ((given - shown) / self.scales[level]).square().mean()

    def _pixels(self, rows: Mapping[str, NDArray[np.int64]], rng: np.random.Generator) -> Tensor:
        """(B, 3, s, s) 0..1."""
        pixels = np.concatenate([self.crops[name].pixels[some] for name, some in rows.items()])
        if self.phase != "whole":
            return to_tensor(np.stack([square(one, TEACHER_SIDE) for one in pixels]))
        turned, images = torch.from_numpy(rng.random(len(pixels)) < 0.5), to_tensor(pixels)
        images[turned] = images[turned].flip(3)
        return images

    def _shown(self, rows: Mapping[str, NDArray[np.int64]], level: str) -> Tensor:
        """The teacher's map, (B, C, H, W)."""
        maps = np.concatenate([self.crops[name].maps[level][some] for name, some in rows.items()])
        return torch.from_numpy(maps).permute(0, 3, 1, 2).float() * STEP

    def validate(self, network: nn.Module) -> Metrics:
        """The mean cosine to the teacher on crops that are held out, over all sources and of each."""
        cosines: dict[str, float] = {}
        for name, one in self.crops.items():
            (vectors,) = predict(
                network, one.pixels[:HELD_OUT], CROP_SIDE if self.phase == "whole" else TEACHER_SIDE, half=True
            )
            cosines[name] = float((vectors * self.targets[name][:HELD_OUT]).sum(1).mean())
        return {"cosine": float(np.mean(list(cosines.values())))} | cosines


def _scales(crops: Mapping[str, Crops], level: str) -> Tensor:
    """The standard deviation of each channel, (1, C, 1, 1)."""
    some = np.concatenate([one.maps[level][:: -(-len(one.features) // 100)] for one in crops.values()])
    return (torch.from_numpy(some).float().flatten(0, 2) * STEP).std(0).clamp(min=0.05)[None, :, None, None]


def main() -> int:
    data, folder, out = (Path(one) for one in sys.argv[1:4])
    crops = read(data)
    target = fit_target(np.concatenate([one.features[HELD_OUT::3] for one in crops.values()]), *classifier(data))
    state: Mapping[str, Any] = {}
    for number, phase in enumerate(PHASES):
        task = DistillationTask(crops, target, phase)
        trainer = Trainer(
            task,
            Schedule(
                STEPS[number], LEARNING_RATES[number], WEIGHT_DECAY, WARMUP_STEPS, EMA_DECAY, VALIDATE_EVERY, number
            ),
            folder / phase,
        )
        if state:
            trainer.load_pretrained(state["network"])
            trainer.aux_head.load_state_dict(state["aux_head"])
        trainer.resume()
        for line in trainer.train():
            print(phase, line, flush=True)
        state = {"network": trainer.ema.module.state_dict(), "aux_head": trainer.aux_head.state_dict()}
    network = EmbeddingNet()
    network.load_state_dict(state["network"])
    write(network, out)
    return 0


# --- what leaves


def write(network: EmbeddingNet, out: Path) -> None:
    """The ONNX file in 8 bits, and its card; what was measured is added by hand from benchmarks/results.md."""
    sha256 = export_embedding_net(network, "content", CROP_SIDE, out, compact=True)
    write_card(
        CardContents(
            "lookalike-content-1", sha256, "Apache-2.0",
            "a residual network (arXiv 1512.03385) with generalised-mean pooling (arXiv 1711.02512), trained by "
            "distillation (arXiv 1503.02531) with hints (arXiv 1412.6550); recipes/content.py",
            CROP_SIDE, {"content": OutputSpec(MEDIAN_NEGATIVE_DISTANCE, version=2)}, TRAINING, {}, WEAKNESSES,
        ),
        out,
    )  # fmt: skip


MEDIAN_NEGATIVE_DISTANCE = 0.954  # of of photographs of BSDS500 and CID22, measured
TRAINING = (
    ("Tiny-ImageNet, 70,667 at 64 px, imagenette and imagewoof, 26,348 at 160 px (ImageNet photographs)",
     "ImageNet: non-commercial research and education; the photographs are not in this file"),
    ("10,670 scenes of six kinds, 150 px", "none stated"),
    ("9,583 product shots on white, 160 px, without their labels", "none stated"),
    ("teacher: MobileNetV1 0.75, Keras weights", "Apache-2.0"),
)  # fmt: skip
WEAKNESSES = (
    "learnt from 226 classes of things and scenes and from product shots on white, never from ordinary photographs of "
    "clothing",
    "separates kinds of things, not two of a kind; its teacher, with 1.6 times the computation, is still ahead",
    "not robust against somebody who computes changes against this very file",
)


if __name__ == "__main__":
    sys.exit(main())

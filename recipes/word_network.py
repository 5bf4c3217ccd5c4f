"""Trains the network of `words`, `lookalike-words-1`: for each place of an image the log-odds of 176 tags.

    python recipes/word_network.py DATA CONTENT.pt OUT.onnx [SECONDS]

DATA holds what recipes/word_tags.py needs, and bearpaw (clothing-co-parsing), electronics (images and their titles,
electronics_products.csv), and the folders that word_closeups.csv names (poems, captioned, landscapes, image_dataset).
CONTENT.pt: weights of the network of `content`, which it begins with. Every fifth image is held out, and its average
precision printed. SECONDS: how long on an H100; more than 62 learns the training images by heart. Needs scipy.

What an image is not known to show or not to show takes no
part in the loss; nor does, later on, what is called absent and looks surely present, for it was overlooked (Kim et al.,
Large Loss Matters, arXiv 2206.03740).
"""

from __future__ import annotations

import csv
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor, nn
from torch.nn import functional
from word_tags import ABSENT, HELD_OUT, PRESENT, UNKNOWN, Tag, average_precision, everyday, network_tags, tags, truth

from lookalike.descriptors.neural.image_fit import squeeze
from lookalike.imaging import from_array, load
from lookalike.training.engine.trainer import device
from lookalike.training.export.onnx_export import export_outputs
from lookalike.training.models.efficientnet_lite import fold_norms
from lookalike.training.models.embedding_net import content_net
from lookalike.training.models.tag_net import TagNet
from lookalike.training.models.weights import load_weights
from lookalike.types import Pixels

SIDE, BATCH, SECONDS, SEED = 336, 192, 62.0, 0
RATES = {"places.weight": 2e-3, "places.bias": 1e-2, "sharpness": 1e-2, "trunk.": 3e-4}
DECAY, PLACES_DECAY, EMA, WARMUP = 0.05, 0.02, 0.998, 60
SURE, SURE_FROM = 0.65, 0.5  # what is called absent and is likelier is left out from this share of the time on
WEIGHTS = {"everyday": 1.0, "sysu": 0.5, "msed": 0.5, "bearpaw": 0.4, "electronics": 0.3, "close-ups": 1.0}
CLOTHES = {
    "hat": "hat", "handbag": "bag purse", "bag": "bag purse", "glasses": "glasses sunglasses", "dress": "dress",
    "tie": "tie", "shoe": "shoes boots heels flats pumps sneakers sandals wedges loafers clogs",
}  # fmt: skip
INDOOR_THINGS = (
    "potted plant",
    "cake",
    "sandwich",
    "vase",
    "sofa",
    "television",
    "laptop",
    "fork",
    "bowl",
    "knife",
    "mouse",
    "keyboard",
    "remote",
    "bottle",
    "umbrella",
    "suitcase",
    "pizza",
    "bed",
    "toilet",
    "sink",
)  # on no photograph of fashion
NOT_SOLD = (
    "book",
    "vase",
    "cake",
    "sandwich",
    "fork",
    "spoon",
    "bowl",
    "cup",
    "bottle",
    "wine glass",
    "potted plant",
    "hat",
    "bench",
    "sofa",
    "chair",
    "toilet",
    "sink",
    "oven",
    "refrigerator",
    "tomato",
    "carrot",
    "apple",
    "orange",
    "banana",
    "person",
    "dog",
    "cat",
    "car",
    "train",
    "bus",
    "airplane",
    "handbag",
    "umbrella",
)  # by a shop of electronics
SOLD = {
    "mouse": r"\bmouse\b(?!.{0,20}(pad|mat))", "remote": r"\bremote( control)?\b", "keyboard": r"\bkeyboard\b",
    "laptop": r"\blaptop\b(?!.{0,30}(bag|sleeve|stand|table|case|backpack|adapter|charger|battery|cooling|cover|skin))",
    "cell phone": r"^(redmi|oneplus|samsung galaxy|iqoo|realme|oppo|vivo|xiaomi|apple iphone|nokia|motorola|poco|tecno"
                  r"|lava|i kall)\b.*(gb|ram|storage)",
    "television": r"\b(led|smart|oled|qled)\b.*\btv\b.*\b", "headphones": r"\bheadphones?\b",
    "camera": r"\b(dslr|mirrorless|digital camera|instax)\b", "backpack": r"\bbackpack\b", "clock": r"\bclock\b",
    "microwave": r"\bmicrowave oven\b",
}  # fmt: skip
ACCESSORY = re.compile(
    r"\b(cover|case|cable|guard|protector|stand|holder|charger|adapter|mount|sleeve|pad|compatible|for)\b"
)
BESIDE = {"laptop": "keyboard", "television": "remote"}  # may be on the photograph of the first
EACH_SOLD = 110  # photographs of a kind, about
GROUPS = {"tomato": "vegetable", "carrot": "vegetable", "apple": "fruit", "orange": "fruit"}


@dataclass(frozen=True)
class Example:
    """An image, or the box (x, y, width, height in pixels) of one, and what is known of it by tag."""

    source: str
    path: Path
    known: Mapping[str, int]
    box: tuple[int, ...] = ()


def examples(data: Path, every: list[Tag]) -> list[Example]:
    """Of all sources."""
    described = everyday()
    photographs = [path for path in _files(data / "everyday" / "images") if path.stem in described]
    photographs += _files(data / "sysu" / "images")[::2]
    photographs += [path for part in ("train", "dev", "test") for path in _files(data / "msed" / part / "images")][::4]
    names = [tag.name for tag in every]
    known = truth(data, photographs, every)
    found = [
        Example(next(name for name in WEIGHTS if name in path.parts), path, dict(zip(names, row.tolist(), strict=True)))
        for path, row in zip(photographs, known, strict=True)
    ]
    return [*found, *_clothes(data / "bearpaw"), *_sold(data / "electronics"), *_close_ups(data)]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: int(path.stem))


def _clothes(folder: Path) -> Iterator[Example]:
    names = [str(one[0]) for one in list(loadmat(folder / "label_list.mat").values())[-1].ravel()]
    for path in _files(folder / "photos")[:2000:2]:
        file = folder / "annotations" / "image-level" / f"{path.stem}.mat"
        if file.exists():
            worn = {names[number] for number in loadmat(file)["tags"].ravel()}
        else:
            pixels = loadmat(folder / "annotations" / "pixel-level" / f"{path.stem}.mat")["groundtruth"].ravel()
            worn = {names[n] for n, count in enumerate(np.bincount(pixels)) if count >= 0.002 * len(pixels)}
        known = {tag: int(bool(worn & set(words.split()))) for tag, words in CLOTHES.items()}
        yield Example("bearpaw", path, known | dict.fromkeys(INDOOR_THINGS, ABSENT) | {"person": PRESENT})


def _sold(folder: Path) -> Iterator[Example]:
    counts = dict.fromkeys(SOLD, 0)
    with (folder / "electronics_products.csv").open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            title = row["name"].lower()
            kinds = {tag for tag, words in SOLD.items() if re.search(words, title)}
            alone = not ACCESSORY.search(title) or kinds & {"mouse", "keyboard", "remote", "headphones", "backpack"}
            if kinds and alone and min(counts[tag] for tag in kinds) < EACH_SOLD:
                for tag in kinds:
                    counts[tag] += 1
                known = {tag: int(tag in kinds) for tag in SOLD} | dict.fromkeys(NOT_SOLD, ABSENT)
                known |= {beside: UNKNOWN for tag, beside in BESIDE.items() if tag in kinds}
                yield Example("electronics", folder / "images" / f"{number}.jpg", known)


def _close_ups(data: Path) -> Iterator[Example]:
    with Path(__file__).with_name("word_closeups.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            known = {row["tag"]: int(row["shown"])}
            if known[row["tag"]] and row["tag"] in GROUPS:
                known[GROUPS[row["tag"]]] = PRESENT
            yield Example("close-ups", data / row["image"], known, tuple(map(int, row["box"].split())))


def square(example: Example) -> Pixels:
    """(SIDE, SIDE, 3) uint8."""
    if not example.box:
        return np.asarray(squeeze([load(example.path, min_side=SIDE)], SIDE)[0])
    x, y, width, height = example.box
    part = load(example.path).pixels[y : y + height, x : x + width]
    return np.asarray(squeeze([from_array(np.ascontiguousarray(part))], SIDE)[0])


def views(squares: Tensor) -> Tensor:
    """(B, 3, SIDE, SIDE) uint8 -> float 0..1: a third as they are, the others crops of .45 to 1 of the area; half
    of them mirrored, all in other light."""
    count, place = len(squares), squares.device

    def drawn(low: float, high: float) -> Tensor:
        return torch.rand(count, device=place) * (high - low) + low

    area = torch.where(drawn(0, 1) < 0.35, torch.ones(count, device=place), drawn(0.45, 1)).sqrt()
    aspect = torch.exp(drawn(-0.2, 0.2)).sqrt()
    width, height = (area * aspect).clamp(max=1), (area / aspect).clamp(max=1)
    maps = torch.zeros(count, 2, 3, device=place)
    maps[:, 0, 0], maps[:, 0, 2] = width * torch.where(drawn(0, 1) < 0.5, -1.0, 1.0), (1 - width) * drawn(-1, 1)
    maps[:, 1, 1], maps[:, 1, 2] = height, (1 - height) * drawn(-1, 1)
    grid = functional.affine_grid(maps, [count, 3, SIDE, SIDE], align_corners=False)
    seen = functional.grid_sample(squares.float() / 255, grid, padding_mode="reflection", align_corners=False)
    mean = seen.mean((2, 3), keepdim=True)
    contrast, light = drawn(0.8, 1.2).view(-1, 1, 1, 1), drawn(-0.1, 0.1).view(-1, 1, 1, 1)
    colour = 1 + 0.06 * torch.randn(count, 3, 1, 1, device=place)
    return (((seen - mean) * contrast + mean + light) * colour).clamp(0, 1)


def loss(odds: Tensor, known: Tensor, weights: Tensor, done: float) -> Tensor:
    """Cross-entropy of what is known, a sum over tags; ``done``: share of the time."""
    counted = (known != UNKNOWN) * weights[:, None]
    if done > SURE_FROM:
        counted = counted * ~((known == ABSENT) & (odds.sigmoid() > SURE))
    each = functional.binary_cross_entropy_with_logits(odds, known.clamp(min=0).float(), reduction="none")
    return (each * counted).sum() / len(odds)


def train(network: TagNet, squares: Tensor, known: Tensor, weights: Tensor, rows: Tensor, seconds: float) -> TagNet:
    """For so long, the rates falling by a cosine of the clock, norms as they are; the running mean of its weights."""
    groups = [
        {"params": [value], "base": next(rate for prefix, rate in RATES.items() if name.startswith(prefix)),
         "weight_decay": 0.0 if value.ndim == 1 else PLACES_DECAY if name.startswith("places") else DECAY}
        for name, value in network.named_parameters()
    ]  # fmt: skip
    optimiser = torch.optim.AdamW(groups)
    mean = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA))
    began, step, order = time.monotonic(), 0, rows[:0]
    while (done := (time.monotonic() - began) / seconds) < 1:
        if len(order) < BATCH:
            order = rows[torch.randperm(len(rows), device=rows.device)]
        batch, order = order[:BATCH], order[BATCH:]
        rate = min(1, (step + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * done)) + 1e-3
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * rate
        network.train()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        with torch.autocast(device().type, torch.bfloat16):
            odds, _ = network(views(squares[batch]).to(memory_format=torch.channels_last))
        value = loss(odds.float(), known[batch], weights[batch], done)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]  # torch ships no type for it
        nn.utils.clip_grad_norm_(network.parameters(), 20.0)
        optimiser.step()
        mean.update_parameters(network)
        step += 1
    print(f"{step} steps")
    network.load_state_dict(mean.module.state_dict())
    return network.eval()


@torch.no_grad()
def predicted(network: TagNet, squares: Tensor, rows: Tensor) -> Tensor:
    """(N, T) log-odds."""
    return torch.cat([network(squares[some].float() / 255)[0] for some in rows.split(BATCH)])


def main() -> None:
    data, content, out = (Path(one) for one in sys.argv[1:4])
    seconds = float((sys.argv[4:5] or [SECONDS])[0])
    every = network_tags(tags())
    given = examples(data, every)
    squares = torch.from_numpy(np.stack([square(one) for one in given])).permute(0, 3, 1, 2).to(device())
    known = torch.tensor([[one.known.get(tag.name, UNKNOWN) for tag in every] for one in given]).to(device())
    weights = torch.tensor([WEIGHTS[one.source] for one in given]).to(device())
    held = torch.from_numpy(held_out(given)).to(device())
    torch.manual_seed(SEED)
    network = TagNet(len(every))
    network.trunk = load_weights(content_net(), content).trunk
    network.to(device()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
    network = train(network, squares, known, weights, torch.nonzero(~held)[:, 0], seconds)
    rows = torch.nonzero(held)[:, 0]
    odds, truths = predicted(network, squares, rows).cpu().numpy(), known[rows].cpu().numpy()
    for number, tag in enumerate(every):
        decided = truths[:, number] != UNKNOWN
        value = average_precision(odds[decided, number], truths[decided, number] == PRESENT)
        print(f"{tag.name:16} AP {value:.3f}")
    calibration = np.ascontiguousarray(squares[::64].permute(0, 2, 3, 1).cpu().numpy())
    print(export_outputs(fold_norms(network), ["words", "words_parts"], SIDE, out, calibration))


def held_out(given: list[Example]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(N,): every fifth of each source, and what was cut out of such an image."""
    places: dict[str, int] = {}
    held, paths = np.zeros(len(given), bool), set()
    for number, one in enumerate(given):
        place = places[one.source] = places.get(one.source, -1) + 1
        held[number] = one.path in paths if one.source == "close-ups" else place % HELD_OUT == 0
        if held[number] and one.source == "everyday":
            paths.add(one.path)
    return held


if __name__ == "__main__":
    main()

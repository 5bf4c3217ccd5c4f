"""What the parts of a recommendation are worth together, beside the best of them alone."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.copies import drawn_from
from benchmarks.harness import IMAGES, SEED, Options, run, table
from lookalike import Gallery
from lookalike.gallery.recommend.options import IMAGE_WEIGHTS
from lookalike.intervals import paired_interval

TITLE = "Recommendations: the parts together, beside the best one alone"
TABLE, FOLDER = "electronics/products.csv", "electronics/images"
PARTS = ("content", "colour", "palette", "text")
K = 10
KINDS = {
    "case": r"cases?|covers?|pouch|sleeve",
    "earphones": r"ear ?phones?|head ?phones?|headsets?|ear ?buds?|buds|neckband|tws",
    "laptop": r"laptops?|notebook|chromebook",
    "cable": r"cables?|cord",
    "charger": r"chargers?|charging|adapters?|adaptors?",
    "watch": r"(smart ?)?watch(es)?",
    "screen guard": r"tempered|screen (guard|protector)s?|glass",
    "stand": r"stands?|holders?|mounts?",
    "speaker": r"speakers?|soundbars?",
    "camera": r"(web)?cam(era)?s?",
    "battery": r"batter(y|ies)",
    "router": r"routers?|wi-?fi",
    "mouse": r"mouse|mice",
    "printer": r"printers?|ink|cartridges?|toner",
    "keyboard": r"keyboards?",
    "remote": r"remotes?",
    "memory": r"pen ?drives?|flash drives?|usb drive|memory cards?|micro ?sd(xc|hc)?|sd cards?",
}
COLOURS = {name: name for name in ("black", "white", "blue", "red", "green", "silver", "brown", "yellow", "pink")}
COLOURS |= {"grey": "gr[ea]y", "gold": "gold(en)?", "clear": "clear|transparent|crystal", "orange": "orange"}
GAINS = (0, 1, 3)  # of another kind; of the same kind; and of the same colour as well
NOTE = (
    "{count:,} products of a shop of electronics, whose titles name both a kind ({kinds} of them) and a colour "
    "({colours}). All words for kinds and colours are cut out of the titles first, so that no part sees what is asked: "
    "what is left are brands, numbers and properties. An answer of the same kind gains 1, of the same kind and colour "
    "3; nDCG@{k} over {queries} queries, without diversity. *Learnt*: `tune --clicks` on pairs of the other half of "
    "the items, clicked if kind and colour are the same. What the default measures are, and their weights, was chosen "
    "on that other half, with this one's figures in sight. {gain} Images of this shop were among those that `content` "
    "was trained on, without labels."
)


@dataclass(frozen=True)
class Product:
    """``text``: its title without the words that are asked for."""

    code: str
    file: Path
    text: str
    kind: str
    colour: str


def measure(options: Options) -> str:
    products = _products(options)
    if not products:
        return f"There is no shop in the data: {TABLE} and {FOLDER}."
    random = np.random.default_rng(SEED)
    order = random.permutation(len(products)).tolist()
    learning, asked = order[: len(order) // 2], order[len(order) // 2 :][: options.size(600, 12)]
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as place, _gallery(Path(place), products) as gallery:
        parts = {f"`{name}` alone": _scores(gallery, products, asked, name) for name in PARTS}
        without_words = _scores(gallery, products, asked, IMAGE_WEIGHTS)
        scores = {"`recommend`, default weights": _scores(gallery, products, asked, None)}
        clicks = _clicks(Path(place) / "clicks.csv", products, learning, random, options)
        report = gallery.tune_recommend(clicks)
        learnt = ", ".join(f"{name} {share:.2f}" for name, share in report.weights.items())
        scores[f"`recommend`, learnt: {learnt}"] = _scores(gallery, products, asked, dict(report.weights))
    every = parts | {"`recommend`, default weights without words": without_words} | scores
    rows = [(name, f"{one.mean():.3f}") for name, one in every.items()]
    note = NOTE.format(
        count=len(products), kinds=len({one.kind for one in products}), k=K, queries=len(asked),
        colours=len({one.colour for one in products}), gain=_gain(parts, scores),
    )  # fmt: skip
    return f"{table(('by', f'nDCG@{K}'), rows)}\n\n{note}"


def _gain(parts: Mapping[str, NDArray[np.float64]], scores: Mapping[str, NDArray[np.float64]]) -> str:
    best = max(parts, key=lambda name: parts[name].mean())
    gains = []
    for name, one in scores.items():
        gain, base = paired_interval(parts[best], one), float(parts[best].mean())
        gains.append(
            f"{name.split(':')[0]}: {gain.value / base:+.1%} ({gain.low / base:+.1%} .. {gain.high / base:+.1%})"
        )
    return f"Over the best part alone, {best}: {'; '.join(gains)}."


def _products(options: Options) -> list[Product]:
    """Those with an image, a kind and a colour. Without a shop, for a quick run, one is made up of the clothing set."""
    file = options.data / TABLE
    if not file.is_file():
        return _made_up(options) if options.quick else []
    images = {one.stem: one for one in sorted((options.data / FOLDER).rglob("*")) if one.suffix in IMAGES}
    with file.open(newline="", encoding="utf-8") as lines:
        rows = [(row[""], row["name"]) for row in csv.DictReader(lines)]
    found = [_read(f"e{code}", images[code], title) for code, title in rows if code in images]
    return [one for one in found if one.kind and one.colour][: options.size(len(found), 60)]


def _made_up(options: Options) -> list[Product]:
    files = drawn_from(options.photographs("clothing"), 12)
    titles = [f"{('red', 'blue')[n % 2]} {('case', 'mouse')[n // 2 % 2]} of brand{n // 2 % 2}" for n in range(12)]
    return [_read(f"e{n}", file, title) for n, (file, title) in enumerate(zip(files, titles, strict=False))]


def _read(code: str, file: Path, title: str) -> Product:
    """The first kind that the title names, and the last colour."""
    plain = title.lower()
    kinds = [(found.start(), name) for name, words in KINDS.items() if (found := re.search(rf"\b({words})\b", plain))]
    colours = [
        (found.start(), name) for name, words in COLOURS.items() for found in re.finditer(rf"\b({words})\b", plain)
    ]
    asked = "|".join([*KINDS.values(), *COLOURS.values()])
    text = re.sub(rf"\b({asked})\b", " ", plain)
    return Product(code, file, " ".join(text.split()), min(kinds, default=(0, ""))[1], max(colours, default=(0, ""))[1])


def _gallery(place: Path, products: Sequence[Product]) -> Gallery:
    with (place / "items.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "title", "file"])
        lines.writerows([one.code, one.text, str(one.file)] for one in products)
    gallery = Gallery.create(place / "g", descriptors=("content", "colour"))
    gallery.add_catalogue(place / "items.csv")
    return gallery


def _clicks(
    file: Path, products: Sequence[Product], learning: Sequence[int], random: np.random.Generator, options: Options
) -> Path:
    """For each of some items of the one half another of it of the same kind and colour, one of the same kind, and one
    of another."""
    lines = ["item,other,verdict"]
    for number in learning[: options.size(600, 60)]:
        gains = np.array([_gained(products[number], products[other]) for other in learning])
        for gain in GAINS:
            there = [learning[place] for place in np.flatnonzero(gains == gain) if learning[place] != number]
            if there:
                other = products[there[random.integers(len(there))]]
                lines.append(f"{products[number].code},{other.code},{'clicked' if gain == GAINS[-1] else 'passed'}")
    if options.quick:  # so many pairs as it takes, whatever they say
        codes = [one.code for one in products]
        lines += [f"{a},{b},{('clicked', 'passed')[n % 2]}" for n, a in enumerate(codes) for b in codes if a != b]
    file.write_text("\n".join(lines))
    return file


def _gained(asked: Product, other: Product) -> int:
    if asked.kind != other.kind:
        return GAINS[0]
    return GAINS[2] if asked.colour == other.colour else GAINS[1]


def _scores(
    gallery: Gallery, products: Sequence[Product], asked: Sequence[int], by: str | Mapping[str, float] | None
) -> NDArray[np.float64]:
    """(Q,): nDCG of each query that has anything to find (Järvelin & Kekäläinen 2002)."""
    known = {one.code: one for one in products}
    discounts = 1 / np.log2(np.arange(2, K + 2))
    scores = []
    for query in (products[number] for number in asked):
        ideal = sorted((_gained(query, other) for other in products if other is not query), reverse=True)[:K]
        found = gallery.recommend(item=query.code, k=K, by=by, diversity=0)
        gains = [_gained(query, known[one.id]) for one in found]
        best = float((np.array(ideal) * discounts[: len(ideal)]).sum())
        scores.append(float((np.array(gains) * discounts[: len(gains)]).sum()) / best if best else 0.0)
    return np.array(scores)


if __name__ == "__main__":
    run(TITLE, measure)

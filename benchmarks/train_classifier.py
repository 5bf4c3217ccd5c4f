"""Classifiers trained on a folder per class: where to begin, and what to do about classes of different size.

``flowers`` below --data holds a folder per class. The same held-out images for every row of a table; beside them the
nearest class mean and logistic regression over the shipped `content`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import SEED, Options, run, table

SIDE = 64
SHARES = (1.0, 0.1, 0.5, 0.05, 0.2)  # of each class that the imbalanced set retention, in the order of the names
FLOWERS = "flowers/flowers"


def main() -> None:
    run("Classifiers of one's own: where to begin, and classes of different size", measure)


def measure(options: Options) -> str:
    with tempfile.TemporaryDirectory() as made:
        few = _starts("few", options.size(40, 12), options.size(40, 1), options, Path(made))
        more = _starts("more", options.size(300, 12), options.size(8, 1), options, Path(made))
        parts = [few, more, _imbalances(options, Path(made))]
    return "\n\n".join(parts)


def _starts(name: str, most: int, epochs: int, options: Options, made: Path) -> str:
    folder = _some(options.data / FLOWERS, made / name, most)
    rows = []
    for start in ("scratch", "frozen", "tuned"):
        rows.append(_row(f"trained, {start}", folder, made, {"init": start, "epochs": epochs}))
    rows += _references(folder, made / f"{name}-scratch-{epochs}.run")
    return f"flowers, {_count(folder)} images, {epochs} epochs:\n\n" + table(_HEAD, rows)


_HEAD = ("", "accuracy %", "balanced accuracy %", "macro F1", "calibration error before", "after")


def _row(what: str, folder: Path, made: Path, chosen: dict) -> list[str]:
    from lookalike.training.tasks.classifier import ClassifierSettings, train_classifier

    settings = ClassifierSettings(**{"side": SIDE, "seed": SEED} | chosen)
    place = made / f"{folder.name}-{'-'.join(map(str, chosen.values()))}.run"
    metrics = train_classifier(folder, settings, place, lambda *_: None).metrics
    shares = [f"{100 * metrics[key]:.1f}" for key in ("accuracy", "balanced accuracy")]
    numbers = [f"{metrics[key]:.3f}" for key in ("macro F1", "calibration error before", "calibration error after")]
    return [what, *shares, *numbers]


def _references(folder: Path, ran: Path) -> list[list[str]]:
    """Over `content` of the very images that the runs had, held out by the same file."""
    from sklearn.linear_model import LogisticRegression

    from lookalike.evaluation.classification_metrics import class_metrics, confusion
    from lookalike.training.data.image_folder import hold_out, read_labelled_images
    from lookalike.training.models.embedding_net import predict
    from lookalike.training.tasks.pretrained import shipped_content

    images = read_labelled_images(folder, SIDE, ran / "image-cache").cache
    split = hold_out(images, 0.2, SEED, ran / "held.json")
    content = predict(shipped_content(), images.pixels, 144)[0]
    known, labels = content[split.training], images.labels
    means = np.stack([known[labels[split.training] == kind].mean(0) for kind in range(len(images.classes))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    regression = LogisticRegression(C=64.0, max_iter=2000).fit(known, labels[split.training])
    rows = []
    for what, answers in (
        ("nearest class mean of `content`", (content[split.held_out] @ means.T).argmax(1)),
        ("logistic regression of `content`", regression.predict(content[split.held_out])),
    ):
        scores = class_metrics(confusion(labels[split.held_out], answers, len(images.classes)))
        accuracy = (answers == labels[split.held_out]).mean()
        rows.append(
            [what, f"{100 * accuracy:.1f}", f"{100 * scores.balanced_accuracy:.1f}", f"{scores.macro_f1:.3f}", "", ""]
        )
    return rows


def _imbalances(options: Options, made: Path) -> str:
    from lookalike.training.tasks.classifier import IMBALANCES

    folder = _imbalanced(options.data / FLOWERS, made / "imbalanced", options.size(400, 40))
    epochs = options.size(12, 1)
    rows = [_row(how, folder, made, {"init": "tuned", "imbalance": how, "epochs": epochs}) for how in IMBALANCES]
    sizes = ", ".join(f"{len(list(one.iterdir()))} {one.name}" for one in sorted(folder.iterdir()))
    return f"flowers made unequal ({sizes}), from the shipped network, tuned, {epochs} epochs:\n\n" + table(_HEAD, rows)


def _imbalanced(source: Path, target: Path, most: int) -> Path:
    for place, kind in enumerate(sorted(one for one in source.iterdir() if one.is_dir())):
        files = sorted(kind.iterdir())[:most]
        _copied(files[: max(4, round(SHARES[place % len(SHARES)] * len(files)))], target / kind.name)
    return target


def _some(source: Path, target: Path, most: int) -> Path:
    for kind in sorted(one for one in source.iterdir() if one.is_dir()):
        _copied(sorted(kind.iterdir())[:most], target / kind.name)
    return target


def _copied(files: list[Path], target: Path) -> None:
    target.mkdir(parents=True)
    for file in files:
        shutil.copy2(file, target / file.name)


def _count(folder: Path) -> str:
    return f"{sum(1 for _ in folder.glob('*/*')):,}"


if __name__ == "__main__":
    main()

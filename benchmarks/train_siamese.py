"""Siamese networks on classes that they never saw, each loss, beside the shipped `content`.

``woof`` below --data holds a folder per breed of dog in ``train``; of ``flowers`` and ``scenes`` there are too few
classes. A fifth of the classes is held out, the same for every row.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.harness import SEED, Options, run, table

SIDE = 64
FOLDERS = ("woof/train", "imagenette/train")  # ten classes each
LOSSES = (
    {"loss": "contrastive"},
    {"loss": "contrastive", "mining": "random"},
    {"loss": "triplet"},
    {"loss": "nt-xent"},
    {"loss": "margin"},
    {"head": "l1"},
)


def main() -> None:
    run("Siamese networks of one's own: pairs of classes that were never seen", measure)


def measure(options: Options) -> str:
    with tempfile.TemporaryDirectory() as place:
        made = Path(place)
        folder = _twenty(options, made / "twenty")
        rows = [_row(folder, made, options, chosen) for chosen in LOSSES]
        rows.append(_reference(folder, made))
    head = ("", "AUC", "equal error rate %", "mAP", "recall@1 %")
    return (
        f"20 classes of dogs and things, {len(folder_files(options)):,} images, 4 classes held out; from "
        f"the shipped network, tuned:\n\n{table(head, rows)}"
    )


def folder_files(options: Options) -> list[Path]:
    """The images that are taken of every class."""
    kinds = [kind for name in FOLDERS for kind in sorted((options.data / name).iterdir()) if kind.is_dir()]
    return [file for kind in kinds for file in sorted(kind.iterdir())[: options.size(40, 12)]]


def _twenty(options: Options, target: Path) -> Path:
    for file in folder_files(options):
        (target / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target / file.parent.name / file.name)
    return target


def _row(folder: Path, made: Path, options: Options, chosen: dict) -> list[str]:
    from lookalike.training.tasks.siamese import SiameseSettings, train_siamese

    settings = SiameseSettings(**{"side": SIDE, "epochs": options.size(6, 1), "seed": SEED, "init": "tuned"} | chosen)
    name = " ".join(chosen.values()) if "head" not in chosen else "weighted L1 head (its embedding)"
    metrics = train_siamese(folder, settings, made / f"{name}.run", lambda *_: None).metrics
    return [name, *_cells(metrics)]


def _reference(folder: Path, made: Path) -> list[str]:
    from lookalike.training.data.image_folder import hold_out, read_labelled_images
    from lookalike.training.models.embedding_net import predict
    from lookalike.training.tasks.pretrained import shipped_content
    from lookalike.training.tasks.verification_metrics import verify_pairs

    images = read_labelled_images(folder, SIDE, made / "image-cache").cache
    held = hold_out(images, 0.2, SEED, made / "held.json", by_class=True).held_out
    content = predict(shipped_content(), images.pixels[held], SIDE)[0]
    return ["shipped `content`", *_cells(verify_pairs(content, images.labels[held], "cosine").metrics)]


def _cells(metrics: dict) -> list[str]:
    return [f"{metrics['AUC']:.3f}", f"{100 * metrics['equal error rate']:.1f}", f"{metrics['mAP']:.3f}",
            f"{100 * metrics['recall@1']:.1f}"]  # fmt: skip


if __name__ == "__main__":
    main()

"""All benchmarks, one after the other, each as a process of its own: python -m benchmarks.all --data FOLDER.

Not among them: unseen, and train_classifier, train_siamese, train_autoencoder and omniglot, which train on labelled
sets.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import ROOT

SCRIPTS = (
    *(
        "index_speed",
        "search_speed",
        "recommend_speed",
        "duplicates_speed",
        "growth",
        "million",
        "model_speed",
        "small_machines",
    ),
    *(
        "edits_recall",
        "copy_recall",
        "content_retrieval",
        "words",
        "word_places",
        "captions",
        "label_suspects",
        "label_next",
        "audit",
        "robustness",
        "calibration",
    ),
    *("relations", "boxes", "verified_recall", "verified_speed", "false_copies", "clearing"),
    *(
        "region_recall",
        "sub_image",
        "street_to_shop",
        "recommend_gain",
        "product_retrieval",
        "second_chance",
        "regions_speed",
        "video_compare",
        "faces",
        "video_sound",
        "video_library",
    ),
    "engines",
    *("service_load", "service_soak", "service_fuzz", "page_load", "private_search"),
)


def main() -> int:
    """Run them all, also after one has failed; the exit code is the number of failures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.all", description=__doc__)
    parser.add_argument("--data", type=Path, default=_wheel(), help="photographs  [default: scikit-image's]")
    parser.add_argument("--quick", action="store_true", help="few and small; results.md is left alone")
    given = parser.parse_args()
    options = ["--data", str(given.data.resolve()), "--quick" if given.quick else "--results"]
    commands = [[sys.executable, "-m", f"benchmarks.{name}", *options] for name in SCRIPTS]
    return sum(subprocess.run(command, cwd=ROOT, check=False).returncode != 0 for command in commands)


def _wheel() -> Path | None:
    """The photographs in scikit-image's wheel: few, but there."""
    import skimage

    return Path(skimage.__file__).parent / "data"


if __name__ == "__main__":
    sys.exit(main())

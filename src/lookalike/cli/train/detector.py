"""lookalike train detector DIR"""

from __future__ import annotations

from lookalike.cli.train.own import OwnCommand

command = OwnCommand(
    "detector",
    "DetectorSettings",
    """Learn to detect the objects that boxes are drawn around, from a COCO file, or from a folder of Pascal VOC
or YOLO files.

A fifth of the images is held out: it measures the boxes by COCO's average precision. The model gives boxes with their
classes, and a descriptor of each box and of the whole image. Interrupted, the best model so far is written, and the
same call goes on.
""",
    source="DIR|JSON",
)

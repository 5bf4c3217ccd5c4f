"""lookalike train classifier DIR"""

from __future__ import annotations

from lookalike.cli.train.own import OwnCommand

command = OwnCommand(
    "classifier",
    "ClassifierSettings",
    """Learn the classes of the images in DIR, one folder for each, or of a CSV with the columns path and label.

A fifth of each class is held out: it measures the accuracy and calibrates the confidence. The model gives a
descriptor as well. Interrupted, the best model so far is written, and the same call goes on.
""",
)

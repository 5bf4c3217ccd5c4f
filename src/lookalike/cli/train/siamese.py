"""lookalike train siamese DIR"""

from __future__ import annotations

from lookalike.cli.train.own import OwnCommand

command = OwnCommand(
    "siamese",
    "SiameseSettings",
    """Learn a distance from the classes in DIR, one folder for each, or of a CSV with the columns path and label.

From six classes on, a fifth of them is held out: it measures the verification of pairs of classes that were
never seen. Interrupted, the best model so far is written, and the same call goes on.
""",
)

"""lookalike train autoencoder DIR"""

from __future__ import annotations

from lookalike.cli.train.own import OwnCommand

command = OwnCommand(
    "autoencoder",
    "AutoencoderSettings",
    """Learn a descriptor from the images in DIR (or of a CSV), which need no labels, by making them again.

A fifth is held out: it says how much comes back, beside principal components of as many numbers. Interrupted, the
best model so far is written, and the same call goes on.
""",
)

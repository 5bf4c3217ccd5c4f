"""lookalike train autoencoder DIR"""

from __future__ import annotations

from lookalike.cli.train.own import OwnCommand

command = OwnCommand(
    "autoencoder",
    "AutoencoderSettings",
    """Learn a descriptor from the images in DIR (or of a CSV), which need no labels, by reconstructing them.

A fifth is held out: it measures the explained variance, beside principal components of as many
dimensions. Interrupted, the best model so far is written, and the same call goes on.
""",
)

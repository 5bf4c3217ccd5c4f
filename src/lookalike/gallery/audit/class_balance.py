"""How the labelled images of a data set share out among its classes and splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from lookalike.gallery.audit.findings import ClassBalance

RARE = 0.1  # of an even share


def class_balance(labelled: Iterable[tuple[str, str]], splits: Sequence[str]) -> ClassBalance | None:
    """Of (label, split) for each labelled image; None for fewer than two classes."""
    counts: dict[str, Counter[str]] = {}
    for label, split in labelled:
        counts.setdefault(label, Counter())[split] += 1
    if len(counts) < 2:
        return None
    totals = {label: each.total() for label, each in counts.items()}
    order = sorted(totals, key=lambda label: (-totals[label], label))
    sizes = np.array([totals[label] for label in order], np.float64)
    shares = sizes / sizes.sum()
    return ClassBalance(
        counts={label: dict(sorted(counts[label].items())) for label in order},
        imbalance=float(sizes[0] / sizes[-1]),
        effective_classes=float(np.exp(-(shares * np.log(shares)).sum())),
        rare=tuple(label for label, share in zip(order, shares, strict=True) if share < RARE / len(order)),
        missing=tuple((label, split) for label in order for split in splits if not counts[label][split]),
    )

"""Writes the table of Chinese words, by which a text in Chinese is read -> chinese.csv.

    python recipes/chinese_words.py

All of it was written down by hand, in chinese_words.csv: function words, colours, places, facts of files, what stands
for an English word (``car``) or for a single class (``=crane bird``), and words that nobody can judge. A later line
wins over an earlier one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lookalike.words.class_names import class_names
from lookalike.words.vocabulary import vocabulary

OUT = Path(__file__).parents[1] / "src/lookalike/words/chinese.csv"
BY_HAND = Path(__file__).with_name("chinese_words.csv")
HEADER = ("word", "kind", "means")
Row = tuple[str, str, str]


def by_hand() -> Iterator[Row]:
    """Raises SystemExit for a meaning that no word and no class has."""
    with BY_HAND.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            means = row["means"]
            if row["kind"] == "thing":
                means = f"#{class_names().index(means[1:])}" if means.startswith("=") else means
                if not means.startswith("#") and vocabulary().find(means) is None:
                    raise SystemExit(f"{BY_HAND.name}: no idea of {means!r}")
            for word in row["chinese"].split():
                yield word.lower(), row["kind"], means


def main() -> None:
    table = {row[0]: row for row in by_hand()}
    with OUT.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *sorted(table.values())])
    print(f"{OUT}: {len(table):,} words, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

"""Moves what a gallery holds beside images: roots, failed files, catalogue, verdicts, and what was fitted to it.

All of it is small enough to be compared, so that only what differs is written, and what the source has no more goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lookalike.gallery.storage.base import GalleryStorage, Item
from lookalike.paths import WalkPatterns

ITEMS = 500  # items in one transaction


def move_tables(source: GalleryStorage, target: GalleryStorage) -> None:
    """In an order in which nothing is said of what is not there."""
    with target.transaction():
        _move_roots(source, target)
        _move_failures(source, target)
        _move_verdicts(source, target)
        _move_fits(source, target)
        target.faces.set_unswept(source.faces.unswept())
    _move_catalogue(source, target)


def _move_roots(source: GalleryStorage, target: GalleryStorage) -> None:
    for root in set(target.roots()) - set(source.roots()):
        target.forget_root(root)
    for root in source.roots():
        target.put_root(root)
    wanted, held = source.patterns(), target.patterns()
    for root in sorted({*wanted, *held}):
        if wanted.get(root) != held.get(root):
            target.put_patterns(root, wanted.get(root, WalkPatterns()))


def _move_failures(source: GalleryStorage, target: GalleryStorage) -> None:
    wanted, held = source.failed_files(), target.failed_files()
    target.forget({one.failure.path for one in held} - {one.failure.path for one in wanted})
    known = set(held)
    for one in wanted:
        if one not in known:
            target.put_failure(*one)


def _move_verdicts(source: GalleryStorage, target: GalleryStorage) -> None:
    wanted, held = set(source.verdicts()), set(target.verdicts())
    target.remove_verdicts((a, b) for a, b, _ in held - wanted)
    for a, b, verdict in sorted(wanted - held):
        target.add_verdicts([(a, b)], verdict)


def _move_fits(source: GalleryStorage, target: GalleryStorage) -> None:
    if target.calibrations() != (curves := source.calibrations()):
        target.put_calibrations(curves)
    wanted, held = source.tunings(), target.tunings()
    for name in sorted(set(held) - set(wanted)):
        target.forget_tunings(name)
    for name, tuning in wanted.items():
        if held.get(name) != tuning:
            target.put_tuning(name, tuning)


def _move_catalogue(source: GalleryStorage, target: GalleryStorage) -> None:
    """In the order of the source's ids."""
    wanted, held = source.items.codes(), target.items.codes()
    with target.transaction():
        if target.items.columns() != (columns := source.items.columns()):
            target.items.put_columns(columns)
        target.items.forget(sorted(set(held) - set(wanted)))
    codes = sorted(wanted, key=wanted.__getitem__)
    for part in (codes[at : at + ITEMS] for at in range(0, len(codes), ITEMS)):
        known = {item.code: item for item in items_of(target, part)}
        changed = [item for item in items_of(source, part) if known.get(item.code) != item]
        if changed:
            with target.transaction():
                for item in changed:
                    target.items.put(item)


def items_of(store: GalleryStorage, codes: Sequence[str]) -> Iterator[Item]:
    """Those of these items that are held, in their order."""
    numbers = [number for code in codes if (number := store.items.number(code)) is not None]
    found = store.items.of_ids(numbers)
    yield from (found[number] for number in numbers if number in found)

"""The report of a data set, from a gallery that holds its images and no others. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery.audit.class_balance import class_balance
from lookalike.gallery.audit.data_set import Membership, memberships
from lookalike.gallery.audit.findings import Audit, ImageFinding
from lookalike.gallery.audit.leakage import split_leaks
from lookalike.gallery.audit.odd_sizes import odd_shapes, odd_sizes
from lookalike.gallery.audit.outliers import find_outliers
from lookalike.gallery.audit.pixel_checks import (
    BLANK_RANGE,
    BLUR_LIMIT,
    DARK_LEVEL,
    SHORT_SIDE,
    PixelMeasures,
    blur_limit,
    measure_pixels,
)
from lookalike.gallery.audit.rare import MIN_IMAGES
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.dedup.duplicates import duplicate_measures, verified_duplicates
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.labels.import_labels import CERTAIN, read_csv_labels
from lookalike.gallery.labels.label_errors import label_errors_among
from lookalike.gallery.library import Library
from lookalike.gallery.load_verified import load_or_failure
from lookalike.gallery.storage.row import Row
from lookalike.parallel import in_order
from lookalike.paths import PathLike
from lookalike.types import Failure, Group, Label, LabelError, Progress

ProgressOf = Callable[[str], AbstractContextManager[Progress]]
"""What is being done -> a context to whose value one says how far it is."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """As in ``Gallery.audit``."""

    root: PathLike
    against: PathLike | None = None
    labels: PathLike | None = None
    precision: float = 0.99


def audit_data_set(library: Library, options: AuditOptions, progress: ProgressOf) -> Audit:
    """As ``Gallery.audit``."""
    check_alone(library, options.root, options.against)
    every = list(library.store.every_row())
    belongs = memberships([row.path for row in every], options.root, options.against)
    rows = [row for row in every if not row.is_video]
    if not rows:
        raise UserError(f"{options.root}: no image that can be read")
    splits = {path: one.split for path, one in belongs.items()}
    labels, wrong_lines = _labels(rows, belongs, options.labels)
    with progress("looking at pixels") as report:
        pixels, unread = _pixel_findings(rows, report)
    with progress("checking pairs") as report:
        leaks, within = split_leaks(_duplicates(library, options.precision, report), splits)
    with progress("checking labels"):
        errors, notes = _label_errors(library, rows, labels)
    names = sorted(set(splits.values()) - {""})
    return Audit(
        images=len(rows),
        splits=dict(Counter(splits[row.path] for row in rows if splits[row.path])),
        leaks=tuple(leaks),
        duplicates=tuple(within),
        outliers=tuple(find_outliers(library.store, library.card(None), rows, labels)),
        **pixels,
        odd_sizes=tuple(odd_sizes(rows)),
        odd_shapes=tuple(odd_shapes(rows)),
        damaged=tuple(Failure(row.path, row.damage) for row in rows if row.damage),
        failed=(*library.store.failures(), *unread, *wrong_lines),
        class_balance=class_balance(((label, splits[path]) for path, label in labels.items()), names),
        label_errors=errors,
        notes=(*_notes(rows, len(every) - len(rows), names), *notes),
    )


def check_alone(library: Library, root: PathLike, against: PathLike | None) -> None:
    """Raises UserError if the gallery holds images that are not of this data set."""
    paths = [row.path for row in library.store.every_row()]
    belongs = memberships(paths, root, against)
    if others := [path for path in paths if path not in belongs]:
        raise UserError(
            f"the gallery holds {plural(len(others), 'image')} elsewhere, such as {others[0]}: an audit "
            "is of a gallery that holds nothing but the data set; make one of its own"
        )


def _labels(
    rows: Sequence[Row], belongs: Mapping[str, Membership], file: PathLike | None
) -> tuple[dict[str, str], list[Failure]]:
    """Path -> label, of the images that have one, and the lines of the ``file`` that are none."""
    if file is None:
        return {row.path: belongs[row.path].label for row in rows if belongs[row.path].label}, []
    read = read_csv_labels([row.path for row in rows], file)
    return read.labels, read.failed


def _duplicates(library: Library, precision: float, progress: Progress) -> list[Group]:
    measures = duplicate_measures(Scoring.of(library.store, library.cards), verify=True)
    return verified_duplicates(library, measures, precision, True, PreferredFolders.of(), progress)


def _label_errors(
    library: Library, rows: Sequence[Row], labels: Mapping[str, str]
) -> tuple[tuple[LabelError, ...] | None, list[str]]:
    source = "data set"
    called = {row.id: Label(labels[row.path], CERTAIN, source) for row in rows if row.path in labels}
    try:
        return tuple(label_errors_among(library.store, library.card(None), called)), []
    except UserError:
        return None, ["label errors: too few labelled images, or one class alone (a folder per class, or --labels)"]


def _notes(rows: Sequence[Row], videos: int, splits: Sequence[str]) -> list[str]:
    notes = []
    if not splits:
        notes.append("leakage: no splits (folders named train, val and test, or --against)")
    if len(rows) < MIN_IMAGES:
        notes.append(f"outliers, sizes and shapes: fewer than {MIN_IMAGES} images")
    if videos:
        notes.append(f"{plural(videos, 'video')}: not checked")
    return notes


# --- what pixels say


def _pixel_findings(
    rows: Sequence[Row], progress: Progress
) -> tuple[dict[str, tuple[ImageFinding, ...]], list[Failure]]:
    """blank, dark, blurred -> the images that are, the worst first; and what cannot be read any more."""
    measured: dict[str, PixelMeasures] = {}
    failed = []
    for done, (row, answer) in enumerate(zip(rows, in_order(partial(_measured, row) for row in rows), strict=True), 1):
        if isinstance(answer, Failure):
            failed.append(answer)
        else:
            measured[row.path] = answer
        progress(done, len(rows))
    limit = blur_limit([one.blur for one in measured.values() if not (one.blank or one.dark)])
    found: dict[str, list[ImageFinding]] = {"blank": [], "dark": [], "blurred": []}
    for path, one in measured.items():
        if finding := _pixel_finding(path, one, limit):
            found[finding[0]].append(finding[1])
    for kind, findings in found.items():
        findings.sort(key=lambda one: (-one.value if kind == "blurred" else one.value, one.path))
    return {kind: tuple(findings) for kind, findings in found.items()}, failed


def _measured(row: Row) -> PixelMeasures | Failure:
    image = load_or_failure(row, min_side=SHORT_SIDE)
    return image if isinstance(image, Failure) else measure_pixels(image.pixels)


def _pixel_finding(path: str, measured: PixelMeasures, blur: float) -> tuple[str, ImageFinding] | None:
    """``blur``: the limit in this data set."""
    if measured.blank:
        value = measured.value_range
        return "blank", ImageFinding(path, value, BLANK_RANGE, f"one colour: it varies by {100 * value:.1f} % at most")
    if measured.dark:
        level = measured.bright_level
        return "dark", ImageFinding(
            path, level, DARK_LEVEL, f"its brightest parts are at {100 * level:.0f} % brightness"
        )
    if measured.blurred(blur):
        usual = f", in this soft data set at most {blur:.2f}" if blur > BLUR_LIMIT else ""
        return "blurred", ImageFinding(path, measured.blur, blur, f"no part is sharp: blur {measured.blur:.2f}{usual}")
    return None

"""How well a network of faces tells people apart: the protocol of Labeled Faces in the Wild, and all pairs of a folder.

Huang et al., "Labeled Faces in the Wild", UMass Amherst TR 07-49, 2007. ``pairs.txt`` names folds of pairs; in each
fold the threshold is the one that is best in the others. Without it each sub-folder is a person, and every pair
counts. An image without a face is like no other, so that a detector that misses faces pays for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.faces import BY
from lookalike.csvfile import read_csv
from lookalike.descriptors import face_network
from lookalike.descriptors.neural.face_model import FaceNetwork
from lookalike.errors import LoadError, UserError
from lookalike.imaging import is_image_name, load
from lookalike.intervals import Interval, share_interval
from lookalike.logistic import fit
from lookalike.parallel import in_order
from lookalike.types import Failure, Floats, Progress

FALSE_MATCH_RATE = 1e-3
FOLDS = 10  # of the people, where no file names any
MAX_PAIRS = 2_000_000  # of different people: beyond, evenly spread ones
FAR_AWAY = 2.0  # the distance of an image without a face
L2 = 1.0

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupError:
    """The errors within one group at the threshold of all: ``false_non_match`` of its ``same`` pairs of one person,
    ``false_match`` of its ``different`` ones; None where there are none."""

    group: str
    people: int
    same: int
    different: int
    false_non_match: Interval | None
    false_match: Interval | None


@dataclass(frozen=True, slots=True)
class FaceReport:
    """``accuracy``: the mean of the folds, ``accuracy_error`` its standard error. ``tar``: the share of ``same`` pairs
    accepted at the ``threshold`` at which at most one in 1,000 of the ``different`` ones is. ``slope``, ``intercept``:
    the curve that fits these pairs at even odds, for a card. ``no_face``, ``bad_face``: images."""

    images: int
    people: int
    folds: int
    same: int
    different: int
    accuracy: float
    accuracy_error: float
    tar: Interval
    threshold: float
    slope: float
    intercept: float
    no_face: tuple[str, ...]
    bad_face: tuple[str, ...]
    groups: tuple[GroupError, ...] = ()
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Rows of images, whether both are of one person, and the fold that each pair is of."""

    first: Rows
    second: Rows
    same: NDArray[np.bool_]
    fold: Rows


def evaluate_faces(
    folder: str | os.PathLike[str],
    pairs: str | os.PathLike[str] | None = None,
    *,
    by: str = BY,
    groups: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> FaceReport:
    """Measure a network on a folder with a sub-folder per person. ``pairs``: a file in the form of LFW's pairs.txt.
    ``groups``: a CSV file with the columns person and group, for the errors per group.

    Raises UserError for a folder, or a file, that makes no pairs of both kinds."""
    network = face_network(by)
    people = _people(Path(folder))
    files = [file for person in people.values() for file in person]
    owners = np.repeat(np.arange(len(people)), [len(person) for person in people.values()])
    chosen = _named_pairs(Path(pairs), files) if pairs else _all_pairs(owners)
    if chosen.same.all() or not chosen.same.any():
        raise UserError(f"{folder}: pairs of one person and pairs of two are needed; it has not both")
    asked = np.unique(np.concatenate([chosen.first, chosen.second]))
    vectors, found = _described(network, files, asked, progress)
    there = vectors[chosen.first].any(1) & vectors[chosen.second].any(1)
    near = 1 - np.einsum("nd,nd->n", vectors[chosen.first], vectors[chosen.second])
    distances = np.where(there, near, FAR_AWAY)
    threshold = _threshold(distances[~chosen.same])
    accepted = distances[chosen.same] <= threshold
    accuracy = _fold_accuracies(distances, chosen)
    slope, intercept = fit_curve(distances[there], chosen.same[there])
    return FaceReport(
        images=len(asked),
        people=len(np.unique(owners[asked])),
        folds=len(accuracy),
        same=int(chosen.same.sum()),
        different=int((~chosen.same).sum()),
        accuracy=float(accuracy.mean()),
        accuracy_error=float(accuracy.std(ddof=1) / np.sqrt(len(accuracy))),
        tar=share_interval(int(accepted.sum()), len(accepted)),
        threshold=threshold,
        slope=slope,
        intercept=intercept,
        no_face=tuple(path for path, one in found.items() if one == "none"),
        bad_face=tuple(path for path, one in found.items() if one == "bad"),
        groups=_group_errors(Path(groups), list(people), owners, chosen, distances <= threshold) if groups else (),
        failed=tuple(one for one in found.values() if isinstance(one, Failure)),
    )


def fit_curve(distances: NDArray[np.float64], same: NDArray[np.bool_]) -> tuple[float, float]:
    """(P,) distances of pairs, and whether each is of one person -> slope and intercept of the curve of a card: the
    log-odds are intercept - slope * distance, at even odds."""
    curve = fit(distances[:, None], same, l2=L2, weights=_even(same))
    return -curve.coefficients[0], curve.intercept


def _people(folder: Path) -> dict[str, list[str]]:
    """Name -> its images, both sorted."""
    found = {
        one.name: sorted(str(file) for file in one.iterdir() if is_image_name(file.name))
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    people = {name: files for name, files in found.items() if files}
    if len(people) < 2:
        raise UserError(f"{folder}: needs a sub-folder with images for each of at least two people")
    return people


def _all_pairs(owners: Rows) -> _Pairs:
    """Each with each; a fold has pairs whose first image is of its people."""
    first, second = np.triu_indices(len(owners), 1)
    same = owners[first] == owners[second]
    others = np.flatnonzero(~same)
    step = max(1, -(-len(others) // MAX_PAIRS))
    rows = np.sort(np.concatenate([np.flatnonzero(same), others[::step]]))
    return _Pairs(first[rows], second[rows], same[rows], owners[first[rows]] % FOLDS)


def _named_pairs(file: Path, files: Sequence[str]) -> _Pairs:
    """The lines of pairs.txt: "name i j", or "name i name j". The first says how many folds, and how many pairs of each
    kind one has."""
    numbers = {Path(path).stem: row for row, path in enumerate(files)}
    try:
        head, *lines = [line.split() for line in file.read_text("utf-8").splitlines() if line.strip()]
        folds, each = (int(head[0]), int(head[1])) if len(head) == 2 else (1, int(head[0]))
        rows = [_pair(line, numbers) for line in lines]
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (ValueError, IndexError) as error:
        raise UserError(f"{file}: not in the form of LFW's pairs.txt: {error}") from error
    if len(rows) != 2 * folds * each:
        raise UserError(f"{file}: says {folds} folds of {each} pairs of each kind, and has {len(rows)} pairs")
    first, second, same = (np.array(part) for part in zip(*rows, strict=True))
    return _Pairs(first, second, same.astype(bool), np.arange(len(rows)) // (2 * each))


def _pair(line: Sequence[str], numbers: Mapping[str, int]) -> tuple[int, int, bool]:
    a, i, *rest = line
    b, j = rest if len(rest) == 2 else (a, rest[0])
    names = f"{a}_{int(i):04d}", f"{b}_{int(j):04d}"
    for name in names:
        if name not in numbers:
            raise ValueError(f"there is no image {name}")
    return numbers[names[0]], numbers[names[1]], len(rest) == 1


def _described(
    network: FaceNetwork, files: Sequence[str], rows: Rows, progress: Progress | None
) -> tuple[Floats, dict[str, str | Failure]]:
    """(N, D), zeros where nothing was found; and what was wrong with which file: "none", "bad" or why it failed."""
    vectors = np.zeros((len(files), network.card.dim), np.float32)
    wrong: dict[str, str | Failure] = {}
    results = in_order(partial(_central, network, files[row]) for row in rows.tolist())
    for done, (row, (vector, flaw)) in enumerate(zip(rows.tolist(), results, strict=True), 1):
        if vector is not None:
            vectors[row] = vector
        if flaw is not None:
            wrong[files[row]] = flaw
        if progress:
            progress(done, len(rows))
    return vectors, wrong


def _central(network: FaceNetwork, path: str) -> tuple[Floats | None, str | Failure | None]:
    """The vector of the face that the image is of, large and in its middle; of a bad one as well."""
    try:
        faces = network.faces(load(path, min_side=network.card.min_side))
    except LoadError as error:
        return None, Failure(path, error.reason)
    best = faces.central
    if best is None:
        return None, "none"
    return faces.vectors[best], None if faces.flaws[best] is None else "bad"


def _threshold(different: NDArray[np.float64]) -> float:
    """The largest distance at which no more of these pairs are accepted than FALSE_MATCH_RATE allows."""
    near = np.sort(different)
    return float(np.nextafter(near[int(len(near) * FALSE_MATCH_RATE)], -np.inf))


def _fold_accuracies(distances: NDArray[np.float64], pairs: _Pairs) -> NDArray[np.float64]:
    """Of each fold, at the threshold that is best for the others; pairs of both kinds weigh alike."""
    shares = []
    for fold in np.unique(pairs.fold):
        inside = pairs.fold == fold
        outside = ~inside if not inside.all() else inside
        if pairs.same[inside].all() or not pairs.same[inside].any():
            continue
        limit = _best_threshold(distances[outside], pairs.same[outside])
        right = (distances[inside] <= limit) == pairs.same[inside]
        shares.append(float(np.average(right, weights=_even(pairs.same[inside]))))
    if len(shares) < 2:
        raise UserError("at least two folds with pairs of both kinds are needed: more people, or more images of them")
    return np.array(shares)


def _best_threshold(distances: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Half-way between the last pair that is accepted and the next one."""
    order = np.argsort(distances, kind="stable")
    gain = np.cumsum(np.where(same, 1, -1)[order] * _even(same)[order])
    last = int(gain.argmax())
    return float(distances[order[[last, min(last + 1, len(order) - 1)]]].mean())


def _even(same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights by which pairs of both kinds count alike."""
    yes, no = max(int(same.sum()), 1), max(int((~same).sum()), 1)
    return np.where(same, len(same) / (2 * yes), len(same) / (2 * no))


def _group_errors(
    file: Path, people: Sequence[str], owners: Rows, pairs: _Pairs, accepted: NDArray[np.bool_]
) -> tuple[GroupError, ...]:
    """Of each group of people that the file names, among themselves."""
    group_of = {line.values[0]: line.values[1] for line in read_csv(file, ["person", "group"])}
    if strange := sorted(set(group_of) - set(people)):
        raise UserError(f"{file}: there is no folder of {', '.join(strange[:5])}")
    groups = np.array([group_of.get(name, "") for name in people])[owners]
    return tuple(_group_error(one, groups, owners, pairs, accepted) for one in sorted(set(group_of.values())))


def _group_error(
    group: str, groups: NDArray[np.str_], owners: Rows, pairs: _Pairs, accepted: NDArray[np.bool_]
) -> GroupError:
    inside = (groups[pairs.first] == group) & (groups[pairs.second] == group)
    same, different = inside & pairs.same, inside & ~pairs.same
    missed, wrong = int((same & ~accepted).sum()), int((different & accepted).sum())
    yes, no = int(same.sum()), int(different.sum())
    return GroupError(
        group,
        len(np.unique(owners[groups == group])),
        yes,
        no,
        share_interval(missed, yes) if yes else None,
        share_interval(wrong, no) if no else None,
    )

"""Portraits -> faces cut out and laid on the five points of a template, as a network of faces will see them.

What is made lies in a folder per person below the run, under the name of its photograph, so that a run that goes on
aligns only what is new.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from lookalike.descriptors.neural.face_alignment import aligned
from lookalike.descriptors.neural.face_model import FaceNetwork
from lookalike.errors import LoadError, UserError
from lookalike.imaging import is_image_name, load
from lookalike.parallel import in_order
from lookalike.types import Failure, Progress

NO_FACE = "no face that can be compared is found in it"


@dataclass(frozen=True, slots=True)
class AlignedFaces:
    """``folder``: one per person, with an image for each that shows a face. ``failed``: those that show none."""

    folder: Path
    failed: tuple[Failure, ...]


def align_people(
    source: Path, network: FaceNetwork, place: Path, side: int, progress: Progress | None = None
) -> AlignedFaces:
    """Of each image of ``source``, a folder per person, the face that it is of, (side, side), into ``place``. Raises
    UserError for a source that is no folder."""
    if not source.is_dir():
        raise UserError(f"{source}: faces are aligned in a folder with a sub-folder for each person; it is none")
    folder = place / f"{network.detector.sha256[:12]}-{side}"
    jobs = [(file, folder / file.parent.name / f"{file.name}.png") for file in _portraits(source)]
    _sweep(folder, {made for _, made in jobs})
    done = in_order(partial(_align, network, file, made, side) for file, made in jobs if not _is_new(file, made))
    failed = []
    for count, failure in enumerate(done, 1):
        failed += [failure] if failure else []
        if progress:
            progress(count, len(jobs))
    return AlignedFaces(folder, tuple(failed))


def _portraits(source: Path) -> Iterator[Path]:
    for person in sorted(one for one in source.iterdir() if one.is_dir()):
        yield from sorted(file for file in person.iterdir() if is_image_name(file.name))


def _is_new(file: Path, made: Path) -> bool:
    """Whether the face was cut out of this photograph since it was written."""
    try:
        return made.stat().st_mtime_ns >= file.stat().st_mtime_ns
    except OSError:
        return False


def _sweep(folder: Path, wanted: set[Path]) -> None:
    """Of photographs that are gone since, nothing is trained on."""
    for old in folder.glob("*/*.png"):
        if old not in wanted:
            old.unlink()


def _align(network: FaceNetwork, file: Path, made: Path, side: int) -> Failure | None:
    try:
        image = load(str(file), min_side=network.card.min_side)
    except LoadError as error:
        return Failure(str(file), error.reason)
    faces = network.faces(image)
    best = faces.central
    if best is None or faces.flaws[best] is not None:
        return Failure(str(file), NO_FACE)
    height, width = image.pixels.shape[:2]
    cut = aligned(image.pixels, faces.landmarks[best] * (width, height), network.output.template, side)
    made.parent.mkdir(parents=True, exist_ok=True)
    draft = made.with_name(f"{made.stem}.{os.getpid()}.part.png")
    cv2.imwrite(str(draft), cut[..., ::-1])
    os.replace(draft, made)
    return None

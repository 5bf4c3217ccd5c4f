"""People told apart, grouped and found among 100,000 faces, by the networks of docs/how-to/faces.md.

``att`` below --data holds AT&T's (ORL's) 40 people as s1/1.png ...; $LOOKALIKE_MODELS holds `faces`. The curve of its
card was fitted on the same people, so nothing here says how sure it is elsewhere. Where there is no `faces`, as in a
quick run anywhere, two drawn networks and drawn faces stand in: the script runs, and its figures say nothing.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from benchmarks.harness import ROOT, SEED, Options, run, table
from lookalike.comparison.calibration import Calibration
from lookalike.comparison.faces import portrait
from lookalike.descriptors import face_names, face_network
from lookalike.descriptors.neural.region_model import Regions
from lookalike.distance import normalise
from lookalike.evaluation.face_protocol import evaluate_faces
from lookalike.gallery import Gallery
from lookalike.gallery.faces.face_search import nearest_faces
from lookalike.gallery.faces.grouping import group_faces
from lookalike.gallery.library import FILE
from lookalike.gallery.storage.region_codec import packed

GROUPED = 50_000  # faces of synthetic people, FACES_EACH of each
FACES_EACH = 10
SPREAD = 0.6  # of a synthetic person's faces: 0.26 apart on average
MANY = 100_000  # faces, of which all but AT&T's are random vectors
NOTE = (
    "AT&T's 40 people by SFace and YuNet. The curve was fitted on the same people. Group photographs: those of four "
    "different people side by side. The faces that one is found among are random vectors but for AT&T's own."
)
PER_ROW = 4  # faces of a group photograph, and of an image with random ones
ROUNDS = 100
NEW_IMAGE = """INSERT INTO images (path, name, sha256, bytes, mtime_ns, width, height, format)
               VALUES (?, ?, ?, 1, 1, 9, 9, 'PNG')"""
NEW_FACE = """INSERT INTO faces (image_id, descriptor_id, place, landmarks, utility)
              VALUES (?, 1, ?, zeroblob(20), 1)"""


def main() -> None:
    run("Faces: told apart, grouped, and found among 100,000", measure)


def measure(options: Options) -> str:
    with tempfile.TemporaryDirectory() as place:
        folder, name = _prepared(options, Path(place))
        report = evaluate_faces(folder, by=name)
        rows = [
            ("images, people", f"{report.images:,}, {report.people:,}"),
            ("pairs of one person, of two", f"{report.same:,}, {report.different:,}"),
            (f"accuracy over {report.folds} folds, %", f"{report.accuracy:.2%}"),
            ("accepted of one person where 1 in 1,000 of two is", f"{report.tar.value:.2%}"),
            ("images without a face", str(len(report.no_face))),
            *_grouped(folder, Path(place), name),
            *_grouped_many(options.size(GROUPED, 1_000)),
            *_found(folder, Path(place), name, options.size(MANY, 2_000), options.size(ROUNDS, 5)),
        ]
    return f"{NOTE}\n\n{table(('measure', 'value'), rows)}"


def _prepared(options: Options, place: Path) -> tuple[Path, str]:
    """A folder per person, and the network that is measured."""
    att = options.data / "att"
    if att.is_dir() and "faces" in face_names():
        return att, "faces"
    if not options.quick:
        raise SystemExit(f"{att} with AT&T's people, and the model `faces` in $LOOKALIKE_MODELS, are needed")
    sys.path.insert(0, str(ROOT / "tests"))
    from portraits import NAME, drawn_face, drawn_portrait, install_portraits

    os.environ["LOOKALIKE_MODELS"] = str(place / "models")
    install_portraits(place / "models")
    for person in range(8):
        for number in range(4):
            file = place / "people" / f"s{person}" / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            face = drawn_face(person, number)
            cv2.imwrite(str(file), drawn_portrait({(1, 1): face})[..., ::-1])
    return place / "people", NAME


def _grouped(folder: Path, place: Path, name: str) -> Iterator[tuple[str, str]]:
    """Pairwise F of the groups among all images, and among photographs of several people glued together."""
    truth = {str(file): file.parent.name for file in sorted(folder.glob("*/*.png"))}
    with Gallery.create(place / "single", [name]) as gallery:
        gallery.add(folder)
        owner = {(path, 1): who for path, who in truth.items()}
        yield "portraits: F of pairs in a group, %", f"{_pair_f(gallery, owner):.1%}"
    glued = _glue(truth, place / "glued")
    with Gallery.create(place / "group", [name]) as gallery:
        gallery.add(place / "glued")
        gallery.group_faces()
        owner = {}
        for path, people in glued.items():
            for number, who in _who(gallery, path, people):
                owner[path, number] = who
        yield "group photographs: F of pairs in a group, %", f"{_pair_f(gallery, owner):.1%}"
        twice = sum(len(one.faces) - len({face.path for face in one.faces}) for one in gallery.persons())
        yield "group photographs in which a person is twice", str(twice)


def _grouped_many(count: int) -> Iterator[tuple[str, str]]:
    """How long the groups of a large library take: vectors around the directions of synthetic people."""
    random = np.random.default_rng(SEED)
    who = np.repeat(np.arange(count // FACES_EACH), FACES_EACH)
    people = normalise(random.standard_normal((count // FACES_EACH, 128)))
    vectors = normalise(people[who] + SPREAD / np.sqrt(128) * random.standard_normal((count, 128))).astype(np.float32)
    images = random.permutation(np.arange(count) // PER_ROW)
    started = time.perf_counter()
    groups = group_faces(vectors, images, [None] * count, Calibration(26.1, 16.45, "the card of SFace"))
    took = time.perf_counter() - started
    wrong = sum(len(set(who[group].tolist())) > 1 for group in groups)
    yield f"{count:,} synthetic faces: grouped in, s", f"{took:.1f}"
    yield "of these groups hold two people", f"{wrong:,} of {len(groups):,}"


def _glue(truth: dict[str, str], place: Path) -> dict[str, list[str]]:
    """Photographs of PER_ROW different people side by side: path -> who, from the left."""
    place.mkdir()
    random = np.random.default_rng(SEED)
    people: dict[str, list[str]] = {}
    for path, who in truth.items():
        people.setdefault(who, []).append(path)
    glued = {}
    names = sorted(people)
    for number in range(min(map(len, people.values()))):
        order = random.permutation(names).tolist()
        for at in range(0, len(order) - PER_ROW + 1, PER_ROW):
            chosen = order[at : at + PER_ROW]
            images = [cv2.imread(people[who][number]) for who in chosen]
            file = place / f"{number}-{at}.png"
            cv2.imwrite(str(file), np.concatenate(images, axis=1))
            glued[str(file)] = chosen
    return glued


def _who(gallery: Gallery, path: str, people: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The number of each face of a glued photograph, and whose it is by its place."""
    library = gallery._library
    (name,) = library.region_cards
    row = library.row(path)
    for _, regions in library.store.regions.of_images(name, [row.id]):
        for place, box in enumerate(regions.boxes):
            yield place + 1, people[min(int((box[0] + box[2] / 2) * len(people)), len(people) - 1)]


def _pair_f(gallery: Gallery, owner: dict[tuple[str, int], str]) -> float:
    """Of all pairs of faces: precision and recall of being in one group, as their harmonic mean."""
    gallery.group_faces()
    group = {(face.path, face.face.number): one.number for one in gallery.persons() for face in one.faces}
    right = said = true = 0
    for a, b in combinations(sorted(owner), 2):
        together = a in group and group[a] == group.get(b)
        right += together and owner[a] == owner[b]
        said += together
        true += owner[a] == owner[b]
    return 2 * right / max(said + true, 1)


def _found(folder: Path, place: Path, name: str, many: int, rounds: int) -> Iterator[tuple[str, str]]:
    """How long one face takes among many: random vectors beside the true ones."""
    network = face_network(name)
    query = sorted(folder.glob("*/*.png"))[0]
    started = time.perf_counter()
    vector = portrait(str(query), network).vector
    described = time.perf_counter() - started
    with Gallery.open(place / "single") as gallery:
        _fill(place / "single", network.card.dim, many)
        nearest_faces(gallery._library, name, vector, 10)
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            hits = nearest_faces(gallery._library, name, vector, 10)
            times.append(time.perf_counter() - started)
        assert hits[0].path == str(query)
        count = len(gallery._library.region_index.get(name))
    yield (
        f"one among {count:,}: median, 95 %, ms",
        f"{np.median(times) * 1e3:.1f}, {np.percentile(times, 95) * 1e3:.1f}",
    )
    yield "finding and describing the query, ms", f"{described * 1e3:.0f}"


def _fill(gallery: Path, dim: int, many: int) -> None:
    """Images of PER_ROW random faces each, written into the store beside what is there."""
    random = np.random.default_rng(SEED)
    with sqlite3.connect(gallery / FILE) as database:
        for number in range(many // PER_ROW):
            vectors = random.standard_normal((PER_ROW, dim)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            boxes = np.tile(np.array([0.1, 0.1, 0.2, 0.2], np.float32), (PER_ROW, 1))
            data = packed(Regions(boxes, np.ones(PER_ROW, np.float32), np.zeros(PER_ROW, np.int64), vectors))
            values = (f"/random/{number}".encode(), f"/random/{number}", f"{number:064x}")
            image = database.execute(NEW_IMAGE, values).lastrowid
            database.execute("INSERT INTO regions (descriptor_id, image_id, data) VALUES (1, ?, ?)", (image, data))
            faces = [(image, place) for place in range(PER_ROW)]
            database.executemany(NEW_FACE, faces)
    database.close()


if __name__ == "__main__":
    main()

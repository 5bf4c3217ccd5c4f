"""SURFACE: the guided tour. Real photographs and edited copies of them: indexed, searched, compared, de-duplicated.

Nothing is written outside the output folder; the user's own photographs are only read.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image as Pillow

from lookalike.comparison.calibration import curve, library_prior
from lookalike.comparison.explain.attribution import explain
from lookalike.descriptors.fusion import BLEND
from lookalike.errors import LoadError, MissingDependency, UserError
from lookalike.formatting import plural
from lookalike.gallery import Gallery
from lookalike.gallery.ingest.listed import ListedFile
from lookalike.gallery.ingest.scan import walk
from lookalike.imaging import load
from lookalike.imaging.manipulations import apply
from lookalike.paths import absolute
from lookalike.report import GroupView, PairView, SearchView, Summary, write_report
from lookalike.report.view_models import group_views, pair_view, search_view
from lookalike.types import AddReport, Failure, Group, Hit, Pixels

# The real photographs in the wheels of scikit-image and scikit-learn, a stereo pair among them.
SAMPLES = {
    "skimage": (
        "astronaut.png",
        "brick.png",
        "camera.png",
        "chelsea.png",
        "clock_motion.png",
        "coffee.png",
        "coins.png",
        "grass.png",
        "gravel.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "moon.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "page.png",
        "retina.jpg",
        "rocket.jpg",
    ),
    "sklearn": ("china.jpg", "flower.jpg"),
}
SAMPLE_FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
COPIED = 24  # photographs that are copied, spread over the folder
LONGEST = 1600  # pixels: copies of larger photographs are made at this size
COPIES = (  # every photograph gets one row of these
    ("jpeg-30", "crop-95", "caption", "mirror"),
    ("resize-50", "brightness-", "sticker", "crop-50"),
    ("webp-50", "grey", "border", "rotate-90"),
    ("blur", "hue", "watermark", "screenshot"),
    ("jpeg-10", "sepia", "covered", "pasted"),
)
# edits that are searched with and are not in the gallery
QUERIES = ("noise", "colour-cast", "stretch", "crop-80", "flip", "rotate-270", "pad")
PAIRS = ("resize-50", "sticker", "mirror", "rotate-90")  # edits that are compared with their original
RERANKED = 3  # hits of every query: the library of a tour is small
GROUPS_SHOWN = 200
MARKER = ".lookalike-demo"  # holds the folder that the tour went over
MADE = ("copies", "queries", "demo.gallery")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the tour did. ``recognised``: edited copies whose first hit is an image of the same original, as a copy;
    ``by_hashes``: how many the hashes alone would have recognised."""

    report: str
    gallery: str
    images: int
    copies: int
    recognised: int
    by_hashes: int
    missed: tuple[str, ...]
    groups: int
    failed: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """An edited copy: the file, the original, and the edit's name."""

    path: str
    original: str
    edit: str


def run_demo(photos: str | os.PathLike[str] | None, out: str | os.PathLike[str], say: Say = print) -> DemoResult:
    """The whole tour over a folder of photographs, or over the sample ones; everything is written below ``out``.

    Raises UserError if the folder holds no image, MissingDependency if the samples are not installed."""
    folder = Path(absolute(out))
    if photos is None:
        photos = _copied_samples(folder / "photos")
    paths = _folder_photographs(photos)
    _start_afresh(folder, absolute(photos))
    copies = _make_copies(paths, folder / "copies")
    queries = _make_queries(paths, folder / "queries")
    say(f"{plural(len(paths), 'photograph')}, {plural(len(copies), 'edited copy', 'edited copies')} of them")
    with _gallery(folder / "demo.gallery") as gallery:
        added, seconds = _indexed(gallery, [photos, folder / "copies"])
        say(f"indexed {plural(len(gallery), 'image')} in {seconds:.1f} s")
        missed, by_hashes = _missed(gallery, queries, copies), _missed(gallery, queries, copies, BLEND)
        say(f"searched: {len(queries) - len(missed)} of {len(queries)} new edits found their original")
        say(f"the hashes alone would have found {len(queries) - len(by_hashes)}")
        groups = gallery.duplicates()
        say(f"duplicates: {plural(len(groups), 'group')}")
        _write(folder / "report.html", gallery, added, seconds, groups, queries, missed, by_hashes, copies)
        images = len(gallery)
    say(f"report: {folder / 'report.html'}")
    return DemoResult(
        report=str(folder / "report.html"),
        gallery=str(folder / "demo.gallery"),
        images=images,
        copies=len(queries),
        recognised=len(queries) - len(missed),
        by_hashes=len(queries) - len(by_hashes),
        missed=tuple(f"{Path(copy.original).name}: {copy.edit}" for copy in missed),
        groups=len(groups),
        failed=added.failed,
    )


# --- photographs and copies


def _start_afresh(folder: Path, source: str) -> None:
    """Clear away what a tour over other photographs left here; whatever no tour made is never touched."""
    marker = folder / MARKER
    made = [folder / name for name in MADE if (folder / name).exists()]
    if made and not marker.exists():
        raise UserError(f"{made[0]} was not made by a tour; choose another folder with --out")
    if made and marker.read_bytes() != os.fsencode(source):
        for path in made:
            shutil.rmtree(path)
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_bytes(os.fsencode(source))


def sample_photographs() -> list[str]:
    """Paths of the real photographs that the extra ``demo`` brings."""
    found = []
    for package, names in SAMPLES.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise MissingDependency(f"the sample photographs come with {package}: pip install 'lookalike[demo]'")
        found += [str(Path(spec.origin).parent / SAMPLE_FOLDERS[package] / name) for name in names]
    return found


def _copied_samples(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path in sample_photographs():
        if not (folder / Path(path).name).exists():
            shutil.copyfile(path, folder / Path(path).name)
    return folder


def _folder_photographs(folder: str | os.PathLike[str]) -> list[str]:
    """Up to COPIED readable images, spread evenly over the folder."""
    listed = [entry.path for entry in walk([folder]) if isinstance(entry, ListedFile)]
    step = max(1, len(listed) // COPIED)
    readable = [path for path in listed[::step][:COPIED] if _pixels(path) is not None]
    if not readable:
        raise UserError(f"{folder}: no image there that can be read")
    return readable


def _pixels(path: str) -> Pixels | None:
    try:
        pixels = load(path, min_side=LONGEST // 2).pixels
    except LoadError:
        return None
    return pixels if min(pixels.shape[:2]) >= 8 else None


def _make_copies(paths: Sequence[str], folder: Path) -> list[Copy]:
    return [copy for number, path in enumerate(paths) for copy in _edited(path, COPIES[number % len(COPIES)], folder)]


def _make_queries(paths: Sequence[str], folder: Path) -> list[Copy]:
    return [copy for path in paths for copy in _edited(path, QUERIES, folder)]


def _edited(path: str, edits: Sequence[str], folder: Path) -> list[Copy]:
    """Write the copies that are not there yet; the same photograph and edit give the same file."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(path).stem.encode("utf-8", "replace").decode("utf-8")
    copies = [Copy(str(folder / f"{stem}--{edit}.jpg"), path, edit) for edit in edits]
    missing = [copy for copy in copies if not os.path.exists(copy.path)]
    pixels = _pixels(path) if missing else None
    if pixels is not None:
        for copy in missing:
            Pillow.fromarray(apply(copy.edit, pixels)).save(copy.path, quality=85)
    return copies


# --- the tour


def _gallery(path: Path) -> Gallery:
    return Gallery.open(path) if path.exists() else Gallery.create(path)


def _indexed(gallery: Gallery, sources: Sequence[str | os.PathLike[str]]) -> tuple[AddReport, float]:
    started = time.perf_counter()
    report = gallery.add(sources)
    return report, time.perf_counter() - started


def _missed(gallery: Gallery, queries: Sequence[Copy], copies: Sequence[Copy], by: str | None = None) -> list[Copy]:
    """The queries whose best hit is not taken for a copy, or not of the same original.

    The blend is to decide alone: its own curve says how probable a copy is."""
    family = {copy.path: copy.original for copy in copies}
    missed = []
    for query in queries:
        hits = gallery.search(query.path, 1, by=by, rerank=None if by else RERANKED)
        origin = family.get(hits[0].path, hits[0].path) if hits else None
        if origin != query.original or _probability(hits[0], by, len(gallery)) < 0.5:
            missed.append(query)
    return missed


def _probability(hit: Hit, by: str | None, images: int) -> float:
    if by is None:
        return hit.probability
    return float(curve(by).probability(hit.distance, library_prior(images)))


def _write(
    path: Path,
    gallery: Gallery,
    added: AddReport,
    seconds: float,
    groups: Sequence[Group],
    queries: Sequence[Copy],
    missed: Sequence[Copy],
    by_hashes: Sequence[Copy],
    copies: Sequence[Copy],
) -> None:
    facts = (
        ("Images", f"{len(gallery):,}"),
        ("Indexed in", f"{seconds:.1f} s"),
        ("New edits that found their original", f"{len(queries) - len(missed)} of {len(queries)}"),
        ("... by the hashes alone", f"{len(queries) - len(by_hashes)} of {len(queries)}"),
        ("What the hashes missed", _by_edit([copy for copy in by_hashes if copy not in missed])),
        ("Groups of copies", f"{len(groups):,}"),
    )
    write_report(
        path,
        summary=Summary("Lookalike: a tour", facts, added.failed),
        groups=_group_views(groups),
        searches=_search_views(gallery, queries, by_hashes),
        comparisons=_pair_views(copies),
    )


def _group_views(groups: Sequence[Group]) -> list[GroupView]:
    return group_views(groups[:GROUPS_SHOWN])


def _by_edit(copies: Sequence[Copy]) -> str:
    """ "5 flip, 3 pad"."""
    counts = Counter(copy.edit for copy in copies)
    return ", ".join(f"{count} {edit}" for edit, count in counts.most_common()) or "nothing"


def _search_views(gallery: Gallery, queries: Sequence[Copy], by_hashes: Sequence[Copy]) -> list[SearchView]:
    """One query of each edit, each from another photograph, what the hashes missed first."""
    chosen = [queries[(len(QUERIES) + 1) * n % len(queries)] for n in range(len(QUERIES))]
    chosen.sort(key=lambda copy: copy not in by_hashes)
    return [search_view(query.path, gallery.search(query.path, 5), gallery.default_by) for query in chosen]


def _pair_views(copies: Sequence[Copy]) -> list[PairView]:
    """An original with itself, with copies of each kind, and with a negative."""
    first = copies[0].original
    pairs = [(first, first)]
    for edit in PAIRS:
        pairs += [(copy.original, copy.path) for copy in copies if copy.edit == edit][:1]
    negative = next((copy.original for copy in copies if copy.original != first), None)
    pairs += [(first, negative)] if negative else []
    explained = [(a, b, explain(a, b)) for a, b in pairs]
    return [pair_view(a, b, explanation.comparison, explanation) for a, b, explanation in explained]

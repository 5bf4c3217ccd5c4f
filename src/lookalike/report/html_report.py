"""One HTML file that shows a person what was found: comparisons, searches, duplicates, failed files.

The page carries its images, style and script in itself, asks no network for anything, and can be read
without its script. Whatever a file is called, it arrives as text: jinja2 escapes, `visible` replaces what a
browser could not show or what would show something else than the name.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lookalike.formatting import clock, human_bytes, percent, relation_text
from lookalike.report.atomic_file import replacing
from lookalike.types import Box, Failure, Hit, Relation, Segment, TextHit

TEMPLATE = "report.html"
MAX_FAILURES_SHOWN = 8  # more than these are folded away
# Control characters, surrogates, and the marks that reorder text (a name must not read backwards).
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Image:
    """What the page says of one image.

    ``path``: as the user would write it. ``thumbnail``: a data URI, or "" for none. ``width``, ``height``:
    pixels of the upright original, 0 if not known. ``bytes``: length of the file, 0 if not known.
    ``label``: a note of the caller's, for example what was edited. ``duration``: seconds of a video, whose thumbnail is
    its filmstrip; None for an image.
    """

    path: str
    thumbnail: str
    width: int
    height: int
    bytes: int
    format: str
    taken: str | None = None
    label: str = ""
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class PairView:
    """Two images that were compared.

    ``distances``: descriptor name -> distance. ``relative_distances``: descriptor name -> the distance, 0..1,
    of what is typical for unrelated images; a name without one gets no bar. ``box``: where the one
    lies in the other, in pixels of the larger image, ``box_in``: "a" or "b". ``edits``: what was done to the one to
    make the other. ``explanation``: a drawing of the reasons as a data URI, or "" for none.
    """

    a: Image
    b: Image
    relation: Relation
    probability: float
    distances: Mapping[str, float]
    relative_distances: Mapping[str, float] = field(default_factory=dict)
    box: Box | None = None
    box_in: str | None = None
    edits: tuple[str, ...] = ()
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class SearchView:
    """One query and what it found, best first, ``by`` this descriptor."""

    query: Image
    hits: tuple[tuple[Image, Hit], ...]
    by: str


@dataclass(frozen=True, slots=True)
class TextSearchView:
    """What was looked for by words, and what was found: each image, the hit, and why."""

    text: str
    hits: tuple[tuple[Image, TextHit, str], ...]


@dataclass(frozen=True, slots=True)
class GroupView:
    """Copies of one image: the one to keep and the ``reason``, the others with their relation to it and probability."""

    keep: Image
    others: tuple[tuple[Image, Relation, float], ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LabelErrorView:
    """An image whose label its nearest neighbours disagree with; each of them with what it is called.

    ``suggested``: what the ``share`` 0..1 of the neighbours' votes calls it. ``probability``: 0..1, that the label is
    wrong; ``likely``: whether that is enough to say so."""

    image: Image
    label: str
    suggested: str
    share: float
    probability: float
    likely: bool
    neighbours: tuple[tuple[Image, str], ...]


@dataclass(frozen=True, slots=True)
class VideoPairView:
    """Two videos that were compared: their ``segments``, the ``timeline`` as a data URI or "", a line for each
    segment of their ``sound``, and the ``statement`` about both."""

    a: str
    b: str
    segments: tuple[Segment, ...]
    timeline: str
    sound: tuple[str, ...] = ()
    statement: str = ""


@dataclass(frozen=True, slots=True)
class FacePairView:
    """Two portraits that were compared: the ``probability`` that they show one person, and a ``drawing`` of both
    as a data URI."""

    a: str
    b: str
    probability: float
    distance: float
    drawing: str


@dataclass(frozen=True, slots=True)
class LeakView:
    """Copies of one image in several ``splits``: each with its split, its relation to the first and its probability."""

    splits: tuple[str, ...]
    images: tuple[tuple[Image, str, Relation | None, float], ...]


@dataclass(frozen=True, slots=True)
class ImageFindingsView:
    """The images that stand out in one respect: its ``name``, a ``lede`` of what that is, how many there are in all,
    and those that are shown, each with its reason as a note."""

    name: str
    lede: str
    total: int
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class AuditView:
    """The report of a data set. ``leaks`` of ``total_leaks``; ``leak_counts``: (splits, leaks). ``classes``: (class,
    images of each of the ``splits``, all, share of the commonest, what is the matter or ""). ``notes``: what could not
    be checked."""

    total_leaks: int
    leaks: tuple[LeakView, ...]
    leak_counts: tuple[tuple[str, int], ...]
    findings: tuple[ImageFindingsView, ...]
    splits: tuple[str, ...]
    classes: tuple[tuple[str, tuple[int, ...], int, float, str], ...]
    balance: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The head of the page: a title, (label, value) facts, and the files that could not be used."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    failures: tuple[Failure, ...] = ()


def write_report(
    path: str | os.PathLike[str],
    *,
    summary: Summary,
    groups: Sequence[GroupView] = (),
    searches: Sequence[SearchView] = (),
    comparisons: Sequence[PairView] = (),
    label_errors: Sequence[LabelErrorView] | None = None,
    videos: Sequence[VideoPairView] = (),
    faces: Sequence[FacePairView] = (),
    text_searches: Sequence[TextSearchView] = (),
    audit: AuditView | None = None,
) -> None:
    """Write the page to ``path``: all of it or nothing, never half a file.

    The page is written as it is made, so memory does not grow with it; ``groups`` may be a sequence that
    makes its members when asked (they are asked for twice). ``label_errors``, ``audit``: None on any page but theirs.
    Raises UserError if the place cannot be written.
    """
    context = _context(summary, groups, searches, comparisons, label_errors, audit)
    context |= {"videos": videos, "faces": faces, "text_searches": text_searches, "audit": audit}
    stream = _environment().get_template(TEMPLATE).stream(context)
    stream.enable_buffering(64)
    _write(Path(path), stream)


def _write(path: Path, pieces: Iterator[str]) -> None:
    with replacing(path, "report") as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)


# --- what the template is given ---------------------------------------------------------------------


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    helpers = (
        human_bytes,
        percent,
        clock,
        relation_text,
        script_hash,
        box_style,
        pair_box,
        hit_box,
        word_boxes,
        short_number,
        breakable,
    )
    environment.filters.update({helper.__name__: helper for helper in helpers})
    environment.tests["plain"] = is_plain
    environment.tests["shown"] = lambda thumbnail: str(thumbnail).startswith("data:image/")
    return environment


def _context(
    summary: Summary,
    groups: Sequence[GroupView],
    searches: Sequence[SearchView],
    comparisons: Sequence[PairView],
    label_errors: Sequence[LabelErrorView] | None,
    audit: AuditView | None,
) -> dict[str, Any]:
    folder, relations, freed = _summarise(groups, searches, comparisons, label_errors, audit)
    return {
        "summary": summary,
        "groups": groups,
        "searches": searches,
        "comparisons": comparisons,
        "label_errors": label_errors,
        "folder": folder,
        "relations": relations,
        "freed": freed,
        "copies": relations.total(),
        "max_failures_shown": MAX_FAILURES_SHOWN,
        "where": lambda path: _where(path, folder),
    }


def _audit_paths(audit: AuditView) -> Iterator[str]:
    for leak in audit.leaks:
        yield from (image.path for image, *_ in leak.images)
    for finding in audit.findings:
        yield from (image.path for image in finding.images)


def _summarise(
    groups: Sequence[GroupView],
    searches: Sequence[SearchView],
    comparisons: Sequence[PairView],
    label_errors: Sequence[LabelErrorView] | None,
    audit: AuditView | None,
) -> tuple[str, Counter[str], int]:
    """The common folder, how many copies there are of each relation, and the bytes of all copies."""
    folders = {_folder(p.path) for pair in comparisons for p in (pair.a, pair.b)}
    folders |= {_folder(image.path) for search in searches for image, _ in search.hits}
    folders |= {_folder(path) for path in _audit_paths(audit)} if audit else set()
    for error in label_errors or ():
        folders |= {_folder(image.path) for image in (error.image, *(near for near, _ in error.neighbours))}
    relations: Counter[str] = Counter()
    freed = 0
    for group in groups:
        folders.add(_folder(group.keep.path))
        for image, relation, _ in group.others:
            folders.add(_folder(image.path))
            relations[relation] += 1
            freed += image.bytes
    return _common(folders), relations, freed


def _folder(path: str) -> str:
    return os.path.dirname(path)  # text in, text out: a Path would tidy what the user wrote


def _common(folders: set[str]) -> str:
    """The deepest folder that holds all of these, or "" where there is none worth naming."""
    try:
        common = os.path.commonpath(folders)
    except ValueError:  # none at all, or relative and absolute ones mixed
        return ""
    return "" if common in ("", os.path.sep) else common


def _where(path: str, folder: str) -> tuple[str, str]:
    """The folder, relative to the common one and ending in a slash, or "", and the name of the file."""
    inside = folder and path.startswith(folder.rstrip(os.path.sep) + os.path.sep)
    shown = path[len(folder.rstrip(os.path.sep)) + 1 :] if inside else path
    head, name = os.path.split(shown)
    return (head.rstrip(os.path.sep) + os.path.sep if head else ""), name


# --- words and numbers for people -------------------------------------------------------------------


def visible(value: object) -> object:
    """Text in which every character can be seen: a line's end as ↵, what cannot be shown as �."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _INVISIBLE.sub(lambda match: "↵" if match.group() in "\r\n" else "\ufffd", value)


def breakable(name: str) -> Markup:
    """The name, escaped, with leave to begin a new line after each underscore."""
    return Markup(str(escape(visible(name))).replace("_", "_<wbr>"))


def is_plain(path: str) -> bool:
    """Whether the path reads as it is, so that a line of text can stand for the file."""
    return _INVISIBLE.search(path) is None


def short_number(value: float) -> str:
    """A distance with three digits: "0", "0.125", "31"."""
    return f"{value:.3g}"


def box_style(box: Box | None, image: Image, other: Image) -> str:
    """The place of the box in this image in percent as CSS, or "" if it lies in the other one."""
    area = image.width * image.height
    if box is None or area <= 0 or area < other.width * other.height:
        return ""
    left, right = (min(max(x / image.width, 0), 1) for x in (box.x, box.x + box.width))
    top, bottom = (min(max(y / image.height, 0), 1) for y in (box.y, box.y + box.height))
    sides = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    return ";".join(f"{name}:{100 * share:.2f}%" for name, share in sides.items())


def word_boxes(hit: TextHit, image: Image) -> list[str]:
    """The places of the words that an image shows, as CSS."""
    return [style for one in hit.evidence if (style := box_style(one.box, image, image))]


def pair_box(pair: PairView, name: str) -> str:
    """The same for the image "a" or "b" of a pair, which may know in which one the other lies."""
    image, other = (pair.a, pair.b) if name == "a" else (pair.b, pair.a)
    if pair.box_in is None:
        return box_style(pair.box, image, other)
    return box_style(pair.box, image, image) if pair.box_in == name else ""


def hit_box(hit: Hit, image: Image, query: Image) -> str:
    """The same for a hit's image."""
    if hit.box_in is None:
        return box_style(hit.box, image, query)
    return box_style(hit.box, image, image) if hit.box_in == "image" else ""


def script_hash(script: str) -> str:
    """What the page's policy must name, so that this inline script runs and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")

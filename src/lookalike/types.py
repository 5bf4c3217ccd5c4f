"""The few frozen types that travel between the rooms. Positions are pixels of the upright original.

A result (Hit, Pair, Group, Comparison) has ``to_dict()``, whose values ``json.dumps`` takes: with pandas,
``pd.DataFrame([hit.to_dict() for hit in hits])`` is a table of a search, ``pd.DataFrame([pair.to_dict() for group in
groups for pair in group.pairs])`` one of all copies. ``csvfile.write_csv`` writes the same as a file. In a notebook
each shows itself as a small table.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.intervals import Interval, Outcome

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Shown = Callable[[str], tuple[Ids, Floats]]  # a text -> ids of images, and the probability that each shows it
Progress = Callable[[int, int], None]  # how much is done, of how much

Relation = Literal[
    "identical", "re-encoded", "edited", "crop", "mirrored", "rotated", "variant", "same scene", "similar", "unrelated"
]


FrameSequence = Literal["still", "animation", "pages"]  # what a file's frames are to each other
Side = Literal["a", "b"]  # one of two images that are compared
Verdict = Literal["same", "different"]  # a person's word on two images

LONG = ("evidence", "transform", "pairs")  # fields that a small table leaves out


class Result:
    """What a question to the library gives: plain values for JSON, and a small table in a notebook."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Field name -> a value that ``json.dumps`` takes: no numpy, no NaN."""
        return dict(to_json(self))

    def _repr_html_(self) -> str:
        """The fields that say something, for Jupyter; escaped, for file names may hold anything."""
        fields = {name: value for name, value in self.to_dict().items() if name not in LONG}
        rows = [(name, value) for name, value in fields.items() if value not in (None, [], {}, "")]
        cells = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(_cell(value))}</td></tr>" for name, value in rows
        )
        return f"<table>{cells}</table>"


@dataclass(frozen=True, slots=True)
class Image:
    """A decoded image, upright, in sRGB.

    ``pixels``: (h, w, 3) uint8, perhaps at a smaller scale than the original.
    ``width``, ``height``: size of the upright original in pixels.
    ``sha256``: hex digest of the encoded bytes, "" if there were none (an array).
    ``bytes``: length of the encoded file. ``format``: "JPEG", "PNG", ... as Pillow names it.
    ``taken``: EXIF time as "YYYY-MM-DD HH:MM:SS", ``camera``: EXIF make and model; None where absent.
    ``frames``: how many frames or pages the file has, of which ``pixels`` shows one; ``sequence``: what they are.
    ``samples``: (n, s, s, 3) uint8, small views of the frames at equal steps of time, or of every page; None of a
    still, and of what is too long to be looked through.
    ``damage``: what is wrong with a file that can be decoded all the same, None if nothing was found.
    ``hidden``: a digest of what the file holds and ``pixels`` do not show (transparency, numbers of more than 8 bits);
    "" if they show everything.
    """

    pixels: Pixels
    width: int
    height: int
    path: str | None = None
    sha256: str = ""
    bytes: int = 0
    format: str = ""
    taken: str | None = None
    camera: str | None = None
    frames: int = 1
    sequence: FrameSequence = "still"
    samples: Pixels | None = None
    damage: str | None = None
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright original; (0, 0) is its top-left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One frame of a video, an animation or a folder of numbered frames, shown ``time`` seconds after it begins. The
    ``image`` is upright and without steady black bars."""

    time: float
    image: Image


@dataclass(frozen=True, slots=True)
class VideoInfo(Result):
    """What a file of moving images says of itself, and what it shows.

    ``duration``: seconds. ``fps``: frames a second, on average, 0 if that is not known. ``width``, ``height``: pixels
    of the upright original, square ones. ``content``: the part of these that is no steady black bar. ``format``: "MP4",
    "GIF", ... ``codec``: "h264", "gif", ... ``bitrate``: bits a second, 0 if that is not known. ``bytes``: length of
    the file, or of all numbered frames. ``has_sound``: whether it has a soundtrack.
    """

    path: str | None
    duration: float
    fps: float
    width: int
    height: int
    content: Box
    format: str
    codec: str
    bitrate: int
    bytes: int
    has_sound: bool


@dataclass(frozen=True, slots=True)
class Segment(Result):
    """A stretch of video a that is shown in video b as well; all times in seconds from the beginning of each.

    ``speed``: how much faster it runs in b, 2.0 at twice the speed. ``relation``: what was done to the images, as in a
    Comparison. ``probability``: 0..1, that the one is a copy of the other, or both are of a common original. ``edits``,
    ``orientation``: as in a Comparison. ``box``: where the one's images lie in the other's, in pixels of the upright
    video that shows more; ``box_in``: which one that is, "a" or "b".
    ``evidence``: the named numbers behind the probability, see comparison/video_evidence.py.
    """

    a_start: float
    a_end: float
    b_start: float
    b_end: float
    speed: float
    relation: Relation
    probability: float
    edits: tuple[str, ...] = ()
    orientation: str = "upright"
    box: Box | None = None
    box_in: Side | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SoundSegment(Result):
    """A stretch of the soundtrack of video a that is heard in video b as well; all times in seconds from the beginning
    of each.

    ``speed``: how much faster it runs in b. ``probability``: 0..1, that both are of one recording. ``evidence``: the
    named numbers behind the probability, see comparison/sound_pair.py.
    """

    a_start: float
    a_end: float
    b_start: float
    b_end: float
    speed: float
    probability: float
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VideoComparison(Result):
    """Which segments two videos share, in the order of a. ``probability``: of the surest segment; without any, 0.

    ``sound``: which segments their soundtracks share, whatever their images. ``statement``: both in a few words, such
    as "same images, other sound", see comparison/sound_pair.py. ``sound_failures``: side, "a" or "b" -> why its
    sound could not be read to its end.
    """

    a: VideoInfo
    b: VideoInfo
    segments: tuple[Segment, ...]
    probability: float
    sound: tuple[SoundSegment, ...] = ()
    statement: str = ""
    sound_failures: Mapping[Side, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VideoHit(Result):
    """A video of a gallery that shows what a query shows.

    ``segments``: where, the query being a and the video b, none where it is near and nothing is sure; of a still image
    one, whose a lasts no time, and whose evidence names the "moment", in seconds. ``sound``: which segments their
    soundtracks share, whatever their images. ``statement``: both in a few words, as in ``VideoComparison``.
    ``probability``: 0..1, of the surest segment; of sound only where no images are shared. ``verified``: by the files;
    without them images have no probability."""

    path: str
    probability: float
    segments: tuple[Segment, ...]
    verified: bool = False
    sound: tuple[SoundSegment, ...] = ()
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Hit(Result):
    """One answer of a search. ``distance`` in the unit of the descriptor asked; ``probability`` 0..1 that
    the two are copies of one another or of a common original.

    ``verified``: by geometry, keypoint by keypoint, unrelated images at a glance; otherwise their vectors alone were
    compared. Then ``box``, ``inliers`` and ``edits`` are those of a Comparison, ``box_in`` being "query" or "image".
    ``feedback_contributions``: in a search with feedback, what the query and each example add to ``distance``: "query"
    or path -> part.
    """

    path: str
    distance: float
    probability: float
    relation: Relation
    box: Box | None = None
    box_in: str | None = None
    inliers: int = 0
    edits: tuple[str, ...] = ()
    verified: bool = False
    feedback_contributions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WordEvidence:
    """Why an image answers to a ``word``: ``kind`` is "class" (of the network `content`), "tag", "colour", "file" (what
    the file itself says), "example" (how near it is to the image that was given), or "model" (a network of the user's
    own, asked for the whole text); ``name``: which one. ``probability``: 0..1, that the image shows it. ``box``: which
    part of the image shows it, if that was asked for; None for all of it, and where that cannot be told."""

    word: str
    kind: Literal["class", "tag", "colour", "file", "example", "model"]
    name: str
    probability: float
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class HashMatch(Result):
    """An image of a gallery whose hash is that of a ``line`` of a list, but for ``distance`` bits. ``hash``: the
    list's, in hexadecimal digits."""

    path: str
    hash: str
    line: int
    distance: int


@dataclass(frozen=True, slots=True)
class HashReport(Result):
    """``matches``: the nearest first. ``hashes``: how many the list holds. ``failed``: its lines that hold none."""

    matches: tuple[HashMatch, ...]
    hashes: int
    failed: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class TextHit(Result):
    """One answer of a search by words. ``probability``: 0..1, that the image shows what was asked for. ``evidence``:
    for each word, in the order of the words."""

    path: str
    probability: float
    evidence: tuple[WordEvidence, ...]


@dataclass(frozen=True, slots=True)
class TextResult(Result):
    """What a search by words found, best first; nothing, if no image shows it with the probability that was asked for.

    ``understood``: the words that were judged. ``unknown``: those that nobody can judge, which say nothing. ``best``:
    the largest probability that any image has, 0 if no word was understood. ``undescribed``: how many images the
    network saw nothing in, or was never asked about."""

    hits: tuple[TextHit, ...]
    understood: tuple[str, ...]
    unknown: tuple[str, ...]
    best: float
    undescribed: int


@dataclass(frozen=True, slots=True)
class Comparison(Result):
    """How two images are related, and the evidence.

    ``distances``: descriptor name -> distance, the images as they are (upright).
    ``box``: where the other one lies, in pixels of the larger image, the one that shows more; None if neither does.
    ``box_in``: which one that is, "a" or "b".
    ``transform``: (3, 3) float64, a's pixels -> b's pixels, or None if the two are neither copies nor variants.
    ``orientation``: what was done to a to make b: "upright" (nothing), "mirrored", "rotated 90" (clockwise), ...
    ``inliers``: keypoints that lie where the transform puts them.
    ``edits``: what was done to an edited copy, as far as it can be seen: "recoloured", "cropped", "overlay", ...
    ``edited_in``: edit -> the image that it was done to, "a" or "b", where that can be told: "greyed", "overlay", ...
    ``odds``: the logarithm of the odds behind ``probability``; None for the same bytes or pixels.
    ``evidence``: the named numbers that the relation was decided by, see comparison/evidence.py.
    """

    relation: Relation
    probability: float
    distances: Mapping[str, float]
    box: Box | None = None
    transform: NDArray[np.float64] | None = None
    orientation: str = "upright"
    box_in: Side | None = None
    inliers: int = 0
    edits: tuple[str, ...] = ()
    edited_in: Mapping[str, Side] = field(default_factory=dict)
    odds: float | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair(Result):
    """Two images of a gallery that belong together. ``verified``: by geometry, and ``box``, ``box_in``, ``edits`` and
    ``edited_in`` are those of a Comparison then."""

    a: str
    b: str
    distance: float
    probability: float
    relation: Relation
    box: Box | None = None
    box_in: str | None = None
    edits: tuple[str, ...] = ()
    edited_in: Mapping[str, Side] = field(default_factory=dict)
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Group(Result):
    """Copies of one image: every member is close to every other. ``keep`` is the one to keep, and ``reason`` says why:
    "the other is greyed", "more detail", ..."""

    keep: str
    others: tuple[str, ...]
    pairs: tuple[Pair, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VideoPair(Result):
    """Two videos of a gallery that share ``segments``, of images or of ``sound``, and are no whole copies.

    ``probability``: of the surest one; of sound only where no images are shared. ``statement``: both in a few words, as
    in ``VideoComparison``."""

    a: str
    b: str
    probability: float
    segments: tuple[Segment, ...]
    sound: tuple[SoundSegment, ...] = ()
    statement: str = ""


@dataclass(frozen=True, slots=True)
class VideoDuplicates(Result):
    """``groups``: whole copies of one video, and which is kept. ``pairs``: videos that share less."""

    groups: tuple[Group, ...] = ()
    pairs: tuple[VideoPair, ...] = ()


@dataclass(frozen=True, slots=True)
class Face(Result):
    """A face in an image. ``number``: from 1, the surest first. ``box`` and the five ``landmarks`` (right eye, left
    eye, nose, right and left corner of the mouth; x, y) in pixels of the upright original. ``score``: 0..1, how surely
    it is a face; ``utility``: 0..1, how well it can be compared, and ``flaw`` why it cannot be: "small", "blurred",
    "turned", "forgotten"; None if it can."""

    number: int
    box: Box
    landmarks: tuple[tuple[float, float], ...]
    score: float
    utility: float
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class FaceComparison(Result):
    """Whether the largest faces of two images that can be compared are of one person. ``distance``: cosine, 0..2;
    ``probability``: 0..1, at even odds. ``a_faces``, ``b_faces``: how many faces there are in each image; ``turned``:
    the images, "a" or "b", whose face was found once they were turned by a quarter or more: its box is of that."""

    a: Face
    b: Face
    distance: float
    probability: float
    a_faces: int = 1
    b_faces: int = 1
    turned: tuple[Side, ...] = ()


@dataclass(frozen=True, slots=True)
class FaceHit(Result):
    """A face of a gallery that is like the one asked for. ``probability``: 0..1, that it is the same person's, among as
    many faces as the gallery holds. ``person``: its name, or the number of its group; None if it is in none."""

    path: str
    face: Face
    distance: float
    probability: float
    person: str | None = None


@dataclass(frozen=True, slots=True)
class PersonFace(Result):
    """A face of a person's. ``source``: "user" for a person's word, "grouped" for what follows from it or from faces
    alone; ``probability``: 0..1, that it is this person's."""

    path: str
    face: Face
    source: str
    probability: float


@dataclass(frozen=True, slots=True)
class Person(Result):
    """The faces of one person, the surest first. ``number``: of the group; ``name``: None if nobody has named it."""

    number: int
    name: str | None
    faces: tuple[PersonFace, ...]


@dataclass(frozen=True, slots=True)
class ImageFace(Result):
    """A face of an image of a gallery, and whose it is: ``person``, the number of its group, and ``name``; None if that
    is undecided, or if by a person's word (``source`` "user") it is nobody's. ``probability``: as of PersonFace."""

    face: Face
    person: int | None
    name: str | None
    source: str | None
    probability: float | None


@dataclass(frozen=True, slots=True)
class PersonSummary(Result):
    """A person in short: ``faces`` and ``images`` are counts. ``cover``: the image of the face that shows the person
    best, and ``cover_face`` its number there."""

    number: int
    name: str | None
    faces: int
    images: int
    cover: str
    cover_face: int


@dataclass(frozen=True, slots=True)
class FaceCounts(Result):
    """What a gallery holds of faces ``by`` a network: ``described`` and ``lacking`` are images that were looked at and
    that were not; ``faces`` in all, of which ``grouped`` are a person's, ``alone`` nobody's yet, ``flawed`` useless."""

    by: str
    described: int
    lacking: int
    faces: int
    grouped: int
    alone: int
    flawed: int


@dataclass(frozen=True, slots=True)
class FaceGroupReport(Result):
    """What became of a gallery's faces: ``grouped`` ones belong to one of the ``persons``, ``alone`` are undecided and
    stay so, ``flawed`` are too bad to be compared."""

    persons: tuple[Person, ...]
    grouped: int
    alone: int
    flawed: int


@dataclass(frozen=True, slots=True)
class ForgetReport(Result):
    """A person whose faces were forgotten: ``faces`` lost their vectors and landmarks, in ``images``. ``searched``:
    bytes of the gallery's files that were looked through afterwards, in which none of these vectors was left.
    ``alike``: faces that stay, and are as likely as not, or likelier, of the same person; the likeliest first."""

    person: str
    faces: int
    images: int
    searched: int
    alike: tuple[FaceHit, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """What an image is called, with a ``probability`` 0..1. ``source``: the model, or "csv" or "folders" for a
    person's word, whose probability is 1."""

    label: str
    probability: float
    source: str


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image of a gallery and its labels, the most probable first; of equals, a person's."""

    path: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled image near another one; ``distance`` in the unit of the descriptor asked."""

    path: str
    label: str
    distance: float


@dataclass(frozen=True, slots=True)
class LabelError:
    """An image whose label is likely wrong, or which the majority of its nearest neighbours disagrees with.

    ``suggested``: what most of its nearest ``neighbours`` with another label are called; ``share``: 0..1, of the votes
    of all, for it; ``own_share``: for the image's own label. ``probability``: 0..1, that the label is wrong;
    ``likely``: whether that is at least the precision that was asked for."""

    path: str
    label: Label
    suggested: str
    share: float
    own_share: float
    probability: float
    likely: bool
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class NextLabel(Result):
    """An image whose label would teach most, among those that have none of a person's.

    ``probabilities``: label -> 0..1, by the labelled images near it, the likeliest first; what is missing to 1 is that
    it is none of them. ``uncertainty``: 0..1, that the likeliest is wrong. ``like``: other images without a label
    that look like it, and like none before it, of which its label would tell as well. ``reason``: all that in words."""

    path: str
    probabilities: Mapping[str, float]
    uncertainty: float
    like: int
    reason: str


@dataclass(frozen=True, slots=True)
class PairMetrics:
    """How well a measure separates judged pairs, each 0..1. ``accuracy``: of the verdict at even odds. ``auc``: the
    area under the ROC curve. ``recall``: the share of the same pairs that reach the precision that was asked for;
    ``precision``: the share of same ones among all pairs that do, None if none does."""

    accuracy: float
    auc: float
    recall: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class TextTuneReport:
    """What a person's labels taught about the probability that an image shows a text, by a network that reads texts.

    ``images``, ``labels``: those that were used. ``error_before``, ``error_after``: the calibration error, the mean
    difference of said and true share, without the curve and with one that was fitted on other labels. ``gain``: after
    less before, of 1 less the mean squared error; only what is better beyond doubt is ``kept``."""

    by: str
    images: int
    labels: int
    error_before: float
    error_after: float
    gain: Interval
    kept: bool


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What judged pairs taught about a measure, a descriptor or "blend".

    ``same``, ``different``: pairs that were used. ``weights``: descriptor name -> share, of the blend; empty otherwise.
    ``threshold``: the largest distance at which a pair is the same with the probability ``precision``.
    ``before``: of the measure without these pairs, None where it had no probability; ``after``: cross-validated.
    ``accuracy_gain``, ``auc_gain``: after less before, or less the commoner verdict always where there was nothing
    before; ``outcome``: what they show beyond doubt. Only what ``helped`` is ``kept``. ``unused``: judged pairs of
    images that are not held any more, or of one and the same content. ``failed``: pairs that could not be used.
    """

    by: str
    same: int
    different: int
    weights: Mapping[str, float]
    threshold: float
    precision: float
    before: PairMetrics | None
    after: PairMetrics
    accuracy_gain: Interval
    auc_gain: Interval
    outcome: Outcome
    helped: bool
    kept: bool
    unused: int
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightReport:
    """What clicks taught about a recommendation. ``clicked``, ``passed``: pairs of items that were used. ``weights``:
    measure -> share. ``auc_before``, ``auc_after``: the probability that a clicked pair has the higher score, by the
    weights so far, and cross-validated by the new ones; only what ``helped`` beyond doubt is ``kept``."""

    clicked: int
    passed: int
    weights: Mapping[str, float]
    auc_before: float
    auc_after: float
    auc_gain: Interval
    helped: bool
    kept: bool
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClassifyReport:
    """What became of every image: ``labelled``, ``abstained`` (the model was too unsure), ``unchanged`` (this model
    was asked before) and ``failed`` add up to the images that were to be classified.

    ``source``: the model's name and version, as in Label. ``counts``: label -> images, the commonest first, of all
    that this model has labelled in the gallery.
    """

    source: str
    labelled: int
    abstained: int
    unchanged: int
    counts: Mapping[str, int]
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelReport:
    """A person's labels that were written. ``unlabelled``: images of which nothing was said. ``counts``: label ->
    images, the commonest first. ``failed``: lines that could not be used, and why."""

    source: str
    labelled: int
    unlabelled: int
    counts: Mapping[str, int]
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of every file: the five counts and ``failed`` add up to the files that were listed.

    ``skipped``: files that neither are named like an image nor begin like one (notes, videos). ``left_out``: why ->
    how many files, or folders with everything in them, were not looked at (gallery/ingest/leave_out.py).
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    moved: int = 0
    skipped: int = 0
    failed: tuple[Failure, ...] = field(default=())
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CatalogueReport(Result):
    """What became of a catalogue's items. ``absent``: items that the gallery holds and the table does not name; they
    stay. ``encoding``: how the table was read. ``columns``: column -> "number" or "text". ``without_image``: ids of
    all held items of which the gallery holds no image: they are not recommended. ``images``: what became of the files.
    ``failed``: lines, cells and files that could not be used, and why."""

    added: int
    updated: int
    unchanged: int
    absent: int
    encoding: str
    columns: Mapping[str, str]
    without_image: tuple[str, ...]
    images: AddReport
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemUpdateReport(Result):
    """What became of changes of items. ``failed``: id -> why its item was left as it was."""

    updated: int
    unchanged: int
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CatalogueItem(Result):
    """What a catalogue says of one of its items. ``id``: as the catalogue calls it; ``paths``: those of its images that
    the gallery holds, best first; ``values``: column -> number or text, without empty ones."""

    id: str
    title: str
    paths: tuple[str, ...]
    values: Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class CatalogueShelf(Result):
    """A part of the items that a filter leaves; ``total``: how many it leaves. ``facets``: of all of these, each
    without what the filter says of its own column, so that what else may be chosen there can be seen."""

    items: tuple[CatalogueItem, ...]
    total: int
    facets: tuple[Facet, ...]


@dataclass(frozen=True, slots=True)
class Facet(Result):
    """What some items have in a column. ``kind``: "text" with ``counts``, text -> how many have it, the commonest
    first; or "number" with the ``least`` and the ``greatest``."""

    column: str
    kind: str
    counts: Mapping[str, int]
    least: float | None = None
    greatest: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation(Result):
    """An item of a catalogue that is like what was asked for, and why.

    ``path``: the image of it that is most alike. ``score``: 1 for the same, 0 for what is as unlike as two
    unrelated images; the sum of ``parts``: measure ("content", "colour", "text", ...) -> what it adds. Items that
    were called good or bad add the parts "good" and "bad". ``similar_chosen``: 0..1, how like the most similar one
    of the items before it is, which counted against it. ``values``: its columns. ``variants``: ids of the items
    that it stands for."""

    id: str
    title: str
    path: str
    score: float
    parts: Mapping[str, float]
    similar_chosen: float
    values: Mapping[str, str | float]
    variants: tuple[str, ...] = ()


def to_json(value: Any) -> Any:
    """A value of these types as plain JSON values, with the same field names; no numpy, and None for what is not finite
    (NaN, infinity), which JSON does not know."""
    if isinstance(value, np.ndarray | np.generic):
        return to_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: to_json(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _cell(value: Any) -> str:
    """A value in a cell of a table: short numbers, nested ones as "name: value"."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_cell(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return "unknown" if value is None else str(value)

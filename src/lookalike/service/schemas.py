"""What goes in and out, for OpenAPI and for checking: the library's types with the field names that they have there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookalike.types import Relation, Verdict

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=10_000)]


class RequestBody(BaseModel):
    """A JSON body; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


class Label(BaseModel):
    label: str
    probability: float
    source: str


class Box(BaseModel):
    x: float
    y: float
    width: float
    height: float


class Image(BaseModel):
    """An image or a video of the gallery; sizes in pixels of the upright original. ``codec``: of a video, null for an
    image; ``duration``, seconds, and ``fps``, of what moves; ``bitrate``: bits a second."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 17,
                "path": "/photos/2024/beach.jpg",
                "name": "beach.jpg",
                "width": 4032,
                "height": 3024,
                "bytes": 2917340,
                "format": "JPEG",
                "taken": "2024-07-14 18:02:11",
                "camera": "Canon EOS R6",
                "frames": 1,
                "damage": None,
                "codec": None,
                "duration": None,
                "fps": None,
                "bitrate": None,
                "labels": [{"label": "beach", "probability": 0.93, "source": "csv"}],
                "objects": {"person": 2},
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            }
        }
    )

    id: int
    path: str | None
    name: str
    width: int
    height: int
    bytes: int
    format: str
    taken: str | None
    camera: str | None
    frames: int | None
    damage: str | None
    codec: str | None
    duration: float | None
    fps: float | None
    bitrate: int | None
    labels: list[Label]
    objects: dict[str, int]
    sha256: str


class ImageList(BaseModel):
    images: list[Image]
    next: str | None
    total: int


class IdList(BaseModel):
    ids: list[int]


class Hit(Image):
    distance: float
    probability: float
    relation: Relation
    box: Box | None
    box_in: Literal["query", "image"] | None
    inliers: int
    edits: list[str]
    verified: bool
    feedback_contributions: dict[str, float]


class SearchQuery(BaseModel):
    """The query: ``blank`` if nothing was found because it shows nothing."""

    id: int | None
    width: int
    height: int
    blank: bool


class SearchResponse(BaseModel):
    query: SearchQuery
    by: str
    verified: bool
    hits: list[Hit]


class VectorSearchRequest(RequestBody):
    """A query that was described elsewhere: for each descriptor its vector, numbers, or bytes of a Hamming hash."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"vectors": {"copy": [0.0625] * 256}, "by": "copy", "k": 5}}
    )
    vectors: Annotated[
        dict[
            Annotated[str, Field(max_length=64)],
            Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=1, max_length=10_000)],
        ],
        Field(min_length=1, max_length=20),
    ]
    k: Annotated[int, Field(ge=1, le=1000)] = 10
    by: Annotated[str, Field(max_length=12_000)] | None = None
    where: Annotated[str, Field(max_length=2000)] | None = None
    precision: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    good: Annotated[list[Id], Field(max_length=500)] = []
    bad: Annotated[list[Id], Field(max_length=500)] = []


class NetworkInput(BaseModel):
    """What a network takes: ``side`` x ``side`` pixels of sRGB. uint8: 0..255; float32: (value / 255 - ``mean``) /
    ``std`` for red, green, blue, which come in the order of ``channels``."""

    name: str
    side: int
    layout: Literal["NHWC", "NCHW"]
    type: Literal["uint8", "float32"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channels: Literal["RGB", "BGR"]


class Network(BaseModel):
    """``name``: the descriptor, and the output of the file that gives its vector. ``min_side``: pixels that the shorter
    side of an image must keep. ``min_contrast``: below it (0..1) an image shows nothing, and its vector is zeros."""

    name: str
    sha256: str
    dim: int
    metric: str
    min_side: int
    min_contrast: float
    input: NetworkInput


class NetworkList(BaseModel):
    """``runtime``: whether the page can run them in the browser."""

    networks: list[Network]
    runtime: bool


class WordEvidence(BaseModel):
    """Why an image answers to a word, as in the Python library."""

    word: str
    kind: Literal["class", "tag", "colour", "file", "example", "model"]
    name: str
    probability: float
    box: Box | None


class TextHit(Image):
    probability: float
    evidence: list[WordEvidence]


class WordPlaces(BaseModel):
    """``box`` of each: the part that shows it, in pixels of the upright image; null for all of it."""

    evidence: list[WordEvidence]


class TextSearchResponse(BaseModel):
    """``unknown``: words that nobody can judge; ``best``: the largest probability that any image has."""

    hits: list[TextHit]
    understood: list[str]
    unknown: list[str]
    best: float
    undescribed: int


class Segment(BaseModel):
    """A stretch of a that b shows as well, in seconds of each; of a still, a lasts no time, and ``evidence`` has the
    "moment"."""

    a_start: float
    a_end: float
    b_start: float
    b_end: float
    speed: float
    relation: Relation
    probability: float
    edits: list[str]
    orientation: str
    box: Box | None
    box_in: Literal["a", "b"] | None
    evidence: dict[str, float]


class SoundSegment(BaseModel):
    """Where both have the same sound; ``a`` and ``b`` as of ``Segment``."""

    a_start: float
    a_end: float
    b_start: float
    b_end: float
    speed: float
    probability: float
    evidence: dict[str, float]


class VideoHit(Image):
    probability: float
    verified: bool
    segments: list[Segment]
    sound: list[SoundSegment]
    statement: str


class VideoQuery(BaseModel):
    """The query; ``duration``, seconds, of a video."""

    id: int | None
    width: int
    height: int
    duration: float | None


class VideoSearchResponse(BaseModel):
    query: VideoQuery
    hits: list[VideoHit]


class SharedSegments(BaseModel):
    a: Image
    b: Image
    probability: float
    segments: list[Segment]
    sound: list[SoundSegment]
    statement: str


class SharedSegmentsList(BaseModel):
    pairs: list[SharedSegments]
    next: str | None
    total: int


class Face(BaseModel):
    """As in the Python library: ``number`` from 1, ``box`` and ``landmarks`` in pixels of the upright original."""

    number: int
    box: Box
    landmarks: list[tuple[float, float]]
    score: float
    utility: float
    flaw: Literal["small", "blurred", "turned", "forgotten"] | None


class FaceCounts(BaseModel):
    """``described``, ``lacking``: images that were looked at, and that were not; of the ``faces`` some are ``grouped``
    into persons, ``alone``, or ``flawed`` and like no other."""

    by: str
    described: int
    lacking: int
    faces: int
    grouped: int
    alone: int
    flawed: int


class FaceState(BaseModel):
    """Names of networks of faces; ``counts`` is null where the gallery holds none."""

    installed: list[str]
    held: list[str]
    counts: FaceCounts | None


class FaceRequest(RequestBody):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"by": None}})
    by: Annotated[str | None, Field(max_length=200)] = None


class FaceQuery(BaseModel):
    """``turned``: the face was found once the image was turned by a quarter or more, and its box is of that."""

    id: int | None
    width: int
    height: int
    face: Face
    turned: bool


class FaceHit(Image):
    face: Face
    distance: float
    probability: float
    person: str | None


class FaceSearchResponse(BaseModel):
    query: FaceQuery
    hits: list[FaceHit]


class FaceComparison(BaseModel):
    a: Face
    b: Face
    distance: float
    probability: float
    a_faces: int
    b_faces: int
    turned: list[Literal["a", "b"]]


class ImageFace(BaseModel):
    """``person``: the number of its group; null if that is undecided, or, by a person's word, nobody's."""

    face: Face
    person: int | None
    name: str | None
    source: Literal["user", "grouped"] | None
    probability: float | None


class ImageFaces(BaseModel):
    faces: list[ImageFace]


class PersonSummary(BaseModel):
    """``faces``, ``images``: how many; ``cover``: the id of the image that shows the person best, and ``cover_face``
    the number of the face in it."""

    number: int
    name: str | None
    faces: int
    images: int
    cover: int
    cover_face: int


class PersonList(BaseModel):
    persons: list[PersonSummary]
    next: str | None
    total: int


class PersonFace(Image):
    face: Face
    source: Literal["user", "grouped"]
    probability: float


class Person(BaseModel):
    number: int
    name: str | None
    faces: list[PersonFace]
    next: str | None
    total: int


class PersonName(RequestBody):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Ada"}})
    name: Annotated[str, Field(min_length=1, max_length=200)]


class FacesOf(RequestBody):
    """``faces``: [id of an image, number of a face in it] each."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"faces": [[17, 1]], "name": "Ada"}})
    faces: Annotated[list[tuple[Id, Annotated[int, Field(ge=1, le=64)]]], Field(min_length=1, max_length=10_000)]
    name: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    nobody: bool = False


class PersonSaid(BaseModel):
    """``person``: the number of its group, null for nobody."""

    person: int | None


class CatalogueItem(BaseModel):
    """``id``: as the catalogue calls it; ``images``: ids of its images, best first; ``values``: column -> number or
    text."""

    id: str
    title: str
    images: list[int]
    values: dict[str, str | float]


ItemValue = (
    Annotated[str, Field(strict=True, max_length=10_000)] | Annotated[float, Field(strict=True, allow_inf_nan=False)]
)


class ItemChange(RequestBody):
    """``values``: column -> value, null for an empty cell; what is not named stays. ``title``: left out, it stays."""

    id: Annotated[str, Field(min_length=1, max_length=500)]
    title: Annotated[str, Field(max_length=10_000)] | None = None
    values: Annotated[dict[str, ItemValue | None], Field(max_length=200)] = {}


class ItemChanges(RequestBody):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"items": [{"id": "a1", "values": {"price": 19.9, "stock": 0}}]}}
    )
    items: Annotated[list[ItemChange], Field(min_length=1, max_length=1000)]


class ItemChangeReport(BaseModel):
    """``failed``: id -> why its item was left as it was."""

    updated: int
    unchanged: int
    failed: dict[str, str]


class NewItem(RequestBody):
    """A whole item; ``images``: ids of images of the gallery, best first."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"title": "Linen shirt", "images": [1], "values": {"price": 39.9}}},
    )
    title: Annotated[str, Field(max_length=10_000)] = ""
    images: Annotated[list[Id], Field(max_length=50)] = []
    values: Annotated[dict[str, ItemValue | None], Field(max_length=200)] = {}


class Facet(BaseModel):
    """``counts``: text -> how many items have it, of a column of texts; ``least``, ``greatest`` of one of numbers."""

    column: str
    kind: Literal["text", "number"]
    counts: dict[str, int]
    least: float | None
    greatest: float | None


class CatalogueShelf(BaseModel):
    items: list[CatalogueItem]
    next: str | None
    total: int
    facets: list[Facet]


class Recommendation(CatalogueItem):
    """``image``: the id of its image that is most alike; ``parts`` add up to the ``score``; ``variants``: ids of the
    items that it stands for."""

    image: int
    score: float
    parts: dict[str, float]
    similar_chosen: float
    variants: list[str]


class Recommendations(BaseModel):
    items: list[Recommendation]


Code = Annotated[str, Field(min_length=1, max_length=500)]


class RecommendRequest(RequestBody):
    """What is like an ``item`` of the catalogue, or an ``image`` of the gallery, by its id: one of the two."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"item": "a1", "k": 5}})
    item: Code | None = None
    image: Id | None = None
    k: Annotated[int, Field(ge=1, le=200)] = 10
    by: Annotated[str | None, Field(max_length=2000)] = None
    where: Annotated[str | None, Field(max_length=2000)] = None
    text: Annotated[str, Field(max_length=500)] = ""
    diversity: Annotated[float, Field(ge=0, le=1)] = 0.3
    fold: Annotated[str | None, Field(max_length=200)] = None
    good: Annotated[list[Code], Field(max_length=50)] = []
    bad: Annotated[list[Code], Field(max_length=50)] = []


class RecommendBatch(RequestBody):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"requests": [{"item": "a1"}, {"item": "b7"}]}}
    )
    requests: Annotated[list[RecommendRequest], Field(min_length=1, max_length=100)]


class RecommendAnswer(BaseModel):
    """``error``: why there are none."""

    items: list[Recommendation]
    error: str | None


class RecommendAnswers(BaseModel):
    answers: list[RecommendAnswer]


class ComparedImage(BaseModel):
    id: int | None
    width: int
    height: int


class ChangedRegion(BaseModel):
    box: Box
    share: float


class Comparison(BaseModel):
    a: ComparedImage
    b: ComparedImage
    relation: Relation
    probability: float
    distances: dict[str, float]
    box: Box | None
    box_in: Literal["a", "b"] | None
    transform: list[list[float]] | None
    orientation: str
    inliers: int
    edits: list[str]
    edited_in: dict[str, Literal["a", "b"]]
    odds: float | None
    evidence: dict[str, float]
    changed: list[ChangedRegion] | None = None
    contributions: dict[str, float] | None = None
    baseline: float | None = None
    prior: float | None = None
    points: list[list[list[float]]] | None = None


class Copy(Image):
    distance: float
    probability: float
    relation: Relation
    box: Box | None
    box_in: Literal["a", "b"] | None
    edits: list[str]
    edited_in: dict[str, Literal["a", "b"]]
    verified: bool


class DuplicateGroup(BaseModel):
    keep: Image
    others: list[Copy]
    reason: str


class DuplicateGroups(BaseModel):
    groups: list[DuplicateGroup]
    next: str | None
    total: int
    pairs: int
    bytes: int


Pair = Annotated[list[Id], Field(min_length=2, max_length=2)]


class PairList(RequestBody):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"pairs": [[1, 2]]}})
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=10_000)]


class VerdictRequest(PairList):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"pairs": [[1, 2]], "verdict": "different"}}
    )
    verdict: Verdict


class VerdictsAdded(BaseModel):
    added: int


class VerdictsRemoved(BaseModel):
    removed: int


class Removal(RequestBody):
    copy_: Annotated[int, Field(alias="copy", ge=1, le=2**63 - 1)]
    keep: Id


class RemovalRequest(RequestBody):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"removals": [{"copy": 2, "keep": 1}]}})
    removals: Annotated[list[Removal], Field(min_length=1, max_length=100_000)]
    also: Annotated[list[Literal["edited", "crop", "mirrored", "rotated"]], Field(max_length=4)] = []


class IndexRequest(RequestBody):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"folders": None}})
    folders: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = None
    retry_failed: bool = False


class Job(BaseModel):
    """``started``, ``ended``: seconds since 1970; ``total`` is 0 while it is not known."""

    id: str
    kind: Literal["index", "duplicates", "removals", "faces", "forget"]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    started: float | None
    ended: float | None
    result: dict[str, Any] | None
    error: str | None


class JobList(BaseModel):
    jobs: list[Job]


class Measure(BaseModel):
    name: str
    kind: Literal["whole", "blend", "regions"]


class Limits(BaseModel):
    upload_bytes: int
    upload_pixels: int


class GalleryInfo(BaseModel):
    """``text_by``: what a search by words may go by, its default first."""

    images: int
    videos: int
    descriptors: dict[str, str]
    by: list[Measure]
    text_by: list[str]
    default_by: str
    folders: list[str]
    index_folders: list[str]
    image_bytes: int
    disk_bytes: int
    formats: dict[str, int]
    failures: int
    verdicts: int
    labels: dict[str, int]
    label_counts: dict[str, dict[str, int]]
    regions: dict[str, int]
    faces: list[str]
    items: int
    lacking: dict[str, int]
    retention: str
    read_only: bool
    keeps_uploads: bool
    limits: Limits
    version: str


class Failure(BaseModel):
    path: str
    reason: str


class FailureList(BaseModel):
    failures: list[Failure]
    next: str | None
    total: int


class Projection(BaseModel):
    by: str
    ids: list[int]
    x: list[float]
    y: list[float]
    explained: list[float]


class LabelScore(BaseModel):
    label: str
    probability: float


class Classification(BaseModel):
    model: str
    labels: list[LabelScore]


class FieldError(BaseModel):
    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None

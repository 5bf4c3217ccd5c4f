"""What goes in and out, for OpenAPI and for checking: the library's types with the field names that they have there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookalike.types import Relation, Verdict

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=10_000)]


class Body(BaseModel):
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
    """An image of the gallery; sizes in pixels of the upright original."""

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
    labels: list[Label]
    objects: dict[str, int]
    sha256: str


class Images(BaseModel):
    images: list[Image]
    next: str | None
    total: int


class AllIds(BaseModel):
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


class Asked(BaseModel):
    """The query: ``blank`` if nothing was found because it shows nothing."""

    id: int | None
    width: int
    height: int
    blank: bool


class Found(BaseModel):
    query: Asked
    by: str
    verified: bool
    hits: list[Hit]


class Side(BaseModel):
    id: int | None
    width: int
    height: int


class Changed(BaseModel):
    box: Box
    share: float


class Compared(BaseModel):
    a: Side
    b: Side
    relation: Relation
    probability: float
    distances: dict[str, float]
    box: Box | None
    box_in: Literal["a", "b"] | None
    transform: list[list[float]] | None
    orientation: str
    inliers: int
    edits: list[str]
    odds: float | None
    evidence: dict[str, float]
    changed: list[Changed] | None = None
    contributions: dict[str, float] | None = None
    baseline: float | None = None
    prior: float | None = None
    points: list[list[list[float]]] | None = None


class Other(Image):
    distance: float
    probability: float
    relation: Relation
    box: Box | None
    box_in: Literal["a", "b"] | None
    edits: list[str]
    verified: bool


class Group(BaseModel):
    keep: Image
    others: list[Other]


class Groups(BaseModel):
    groups: list[Group]
    next: str | None
    total: int
    pairs: int
    bytes: int


Pair = Annotated[list[Id], Field(min_length=2, max_length=2)]


class Pairs(Body):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"pairs": [[1, 2]]}})
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=10_000)]


class Decisions(Pairs):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"pairs": [[1, 2]], "verdict": "different"}}
    )
    verdict: Verdict


class Decided(BaseModel):
    decided: int


class Forgotten(BaseModel):
    forgotten: int


class CopyOf(Body):
    copy_: Annotated[int, Field(alias="copy", ge=1, le=2**63 - 1)]
    keep: Id


class Clear(Body):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"pairs": [{"copy": 2, "keep": 1}]}})
    pairs: Annotated[list[CopyOf], Field(min_length=1, max_length=100_000)]


class Index(Body):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"folders": None}})
    folders: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = None
    retry_failed: bool = False


class Job(BaseModel):
    """``started``, ``ended``: seconds since 1970; ``total`` is 0 while it is not known."""

    id: str
    kind: Literal["index", "duplicates", "clear"]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    started: float | None
    ended: float | None
    result: dict[str, Any] | None
    error: str | None


class Jobs(BaseModel):
    jobs: list[Job]


class By(BaseModel):
    name: str
    kind: Literal["whole", "blend", "regions"]


class Limits(BaseModel):
    upload_bytes: int
    upload_pixels: int


class GalleryInfo(BaseModel):
    images: int
    descriptors: dict[str, str]
    by: list[By]
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
    retention: str
    read_only: bool
    keeps_uploads: bool
    limits: Limits
    version: str


class Failed(BaseModel):
    path: str
    reason: str


class Failures(BaseModel):
    failures: list[Failed]
    next: str | None
    total: int


class Map(BaseModel):
    by: str
    ids: list[int]
    x: list[float]
    y: list[float]
    explained: list[float]


class Told(BaseModel):
    label: str
    probability: float


class Classified(BaseModel):
    model: str
    labels: list[Told]


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

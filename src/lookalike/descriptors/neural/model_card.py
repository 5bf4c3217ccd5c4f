"""The card beside a model's ONNX file: a TOML table that is read strictly, key by key; see docs/how-to/models.md."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from lookalike.descriptors.base import NAME, RESERVED, DescriptorCard
from lookalike.descriptors.neural.face_alignment import ARCFACE, Template
from lookalike.descriptors.neural.face_model import MIN_SIDE, DetectorFile, FaceOutput
from lookalike.descriptors.neural.image_digests import ENDING, DigestsFile
from lookalike.descriptors.neural.image_fit import SQUEEZED, FitMethod, ImageFit, Resample
from lookalike.descriptors.neural.onnx_model import Channels, Labels, Layout, ModelInput, Triple, Type
from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.descriptors.neural.text_model import NamedFile, TextTower
from lookalike.distance import Metric
from lookalike.errors import ModelCardInvalid

FORMAT = 1
MIN_CONTRAST = 0.15  # of a descriptor whose card names none: 2.4 grey levels, as for structure
STORED_BITS = 16  # of one number: galleries keep half precision
DIGEST = re.compile(r"[0-9a-f]{64}")
METRICS: tuple[Metric, ...] = ("cosine", "euclidean")  # no network gives packed bits

_Choice = TypeVar("_Choice", bound=str)
EARLIER_KEYS = {  # of cards written before version 0.1 -> what they are called now
    "typical": "median_negative_distance",
    "min_quality": "min_contrast",
    "looks": "query_scales",
}


@dataclass(frozen=True, slots=True)
class Training:
    """What a model was trained on, and under which terms that was to be had."""

    data: str
    terms: str


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A network whose weights a model began with: where it was had, under which licence, and what was changed."""

    name: str
    licence: str
    source: str
    changes: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Who a model is. ``path``: the card's; ``file``: the ONNX file's name, in the same folder.

    ``outputs``: one descriptor per output of the network. ``measured``: what was measured -> result.
    ``labels``: the names of its classes, if it is a classifier. ``regions``: its output, if it is a network of regions.
    ``faces``: its output and its detector, if it is one of faces. ``text``: its text tower, if it has one.
    ``base_models``: what it began with, itself begun with the next; none if it began with random weights.
    ``image_digests``: the file that tells which images it was trained on, if it comes with one.
    """

    name: str
    file: str
    sha256: str
    licence: str
    source: str
    input: ModelInput
    outputs: tuple[DescriptorCard, ...]
    training: tuple[Training, ...]
    measured: Mapping[str, float]
    weaknesses: tuple[str, ...]
    path: str
    labels: Labels | None = None
    regions: RegionOutput | None = None
    faces: FaceOutput | None = None
    base_models: tuple[BaseModel, ...] = ()
    image_digests: DigestsFile | None = None
    text: TextTower | None = None

    @property
    def onnx(self) -> Path:
        """Where the ONNX file must lie."""
        return Path(self.path).with_name(self.file)

    @property
    def files(self) -> tuple[tuple[Path, str], ...]:
        """Where each of the files that it computes with must lie, and its sha256."""
        detector = [(self.onnx.with_name(self.faces.detector.file), self.faces.detector.sha256)] if self.faces else []
        text = [(self.onnx.with_name(one.file), one.sha256) for one in self.text.files] if self.text else []
        return ((self.onnx, self.sha256), *detector, *text)

    @property
    def digests(self) -> Path | None:
        """Where the file of its images must lie; None if the card names none."""
        return Path(self.path).with_name(self.image_digests.file) if self.image_digests else None


def read_card(path: Path) -> ModelCard:
    """The card at this path. Raises ModelCardInvalid that names the field and what is wrong with it."""
    card = _Table(path, "", _toml(path))
    if card.whole("format") != FORMAT:
        raise card.wrong("format", f"must be {FORMAT}; for a newer one, upgrade Lookalike")
    name, sha256 = card.name("name"), card.matching("sha256", DIGEST, "64 hexadecimal digits, in lower case")
    input_spec = _input(card.table("input"))
    outputs = card.table("outputs")
    read = ModelCard(
        name=name,
        file=_file(card, ".onnx"),
        sha256=sha256,
        licence=card.text("licence"),
        source=card.text("source"),
        input=input_spec,
        outputs=tuple(_output(outputs, key, card.text("source"), sha256, input_spec) for key in outputs.values),
        training=tuple(_training(table) for table in card.tables("training", [])),
        measured=_measured(card),
        weaknesses=card.texts("weaknesses"),
        path=os.path.abspath(path),
        labels=_labels(card),
        regions=_regions(card),
        faces=_faces(card),
        base_models=tuple(_base_model(table) for table in card.tables("base_models", [])),
        image_digests=_image_digests(card),
        text=_text(card),
    )
    if not read.outputs:
        raise card.wrong("outputs", "names no output")
    if read.labels and read.labels.output not in outputs.values:
        raise card.table("labels").wrong("output", f"must be one of the outputs: {', '.join(outputs.values)}")
    if read.regions and [read.regions.output] != list(outputs.values):
        raise card.table("regions").wrong("output", f"must be the only output; there are {', '.join(outputs.values)}")
    if (read.regions or read.faces) and input_spec.fit != SQUEEZED:
        raise card.table("input").wrong("fit", "and resample go with networks of whole images only")
    if read.text:
        _check_text(card, read.text, read)
    if read.faces:
        read = _with_faces(card, read, read.faces)
    card.finish()
    return read


def _with_faces(card: _Table, read: ModelCard, faces: FaceOutput) -> ModelCard:
    """The vectors depend on the detector and the template as well."""
    if [faces.output] != [output.name for output in read.outputs]:
        raise card.table("faces").wrong("output", "must be the only output")
    if read.regions or read.labels:
        raise card.wrong("faces", "excludes the tables regions and labels")
    if read.outputs[0].metric != "cosine":
        raise card.table("outputs").wrong(f"{faces.output}.metric", "must be 'cosine' for faces")
    if faces.detector.file == read.file:
        raise card.table("faces").table("detector").wrong("file", "must be another file than the embedder's")
    (output,) = read.outputs
    origin = f"{output.origin} detector={faces.detector.sha256} template={faces.template} embedding={faces.embedding}"
    return replace(read, outputs=(replace(output, origin=origin, min_side=max(MIN_SIDE, output.min_side)),))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelCardInvalid(f"{path}: no such card; docs/how-to/models.md shows how one is written") from error
    except OSError as error:
        raise ModelCardInvalid(f"{path}: the card cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # of UTF-8 or of TOML
        raise ModelCardInvalid(f"{path}: the card is not TOML: {error}") from error


def _file(card: _Table, ending: str) -> str:
    file = card.text("file")
    if Path(file).name != file or "\\" in file or not file.endswith(ending):
        raise card.wrong(
            "file", f"must be the name of a file in the card's folder that ends in {ending}, without a path"
        )
    return file


def _input(table: _Table) -> ModelInput:
    input_spec = ModelInput(
        name=table.text("name"),
        side=table.positive("side"),
        layout=table.one_of("layout", get_args(Layout)),
        type=table.one_of("type", get_args(Type)),
        mean=table.triple("mean", (0.0, 0.0, 0.0)),
        std=table.triple("std", (1.0, 1.0, 1.0)),
        channels=table.one_of("channels", get_args(Channels)) if "channels" in table.values else "RGB",
        fit=_fit(table),
    )
    if min(input_spec.std) <= 0:
        raise table.wrong("std", "must be above 0")
    if input_spec.type == "uint8" and {"mean", "std"} & set(table.values):
        raise table.wrong("mean" if "mean" in table.values else "std", 'goes with type = "float32" only')
    table.finish()
    return input_spec


def _fit(table: _Table) -> ImageFit:
    method: FitMethod = table.one_of("fit", get_args(FitMethod)) if "fit" in table.values else "squeeze"
    resample: Resample = table.one_of("resample", get_args(Resample)) if "resample" in table.values else "area"
    if method == "squeeze":
        return ImageFit(method, 0, resample)
    if resample == "area":
        raise table.wrong("resample", "must be one of Pillow's filters where fit is 'crop'")
    resize = table.positive("resize")
    if resize < table.positive("side"):
        raise table.wrong("resize", f"must be {table.positive('side')} or more: the square is cut out of it")
    return ImageFit(method, resize, resample)


def _output(outputs: _Table, name: str, source: str, sha256: str, input_spec: ModelInput) -> DescriptorCard:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise outputs.wrong(name, "is no name for a descriptor: letters, digits, _ . -, and not 'blend'")
    table = outputs.table(name).with_current_keys()
    card = DescriptorCard(
        name=name,
        version=table.positive("version"),
        metric=table.one_of("metric", METRICS),
        dim=table.positive("dim"),
        bits=STORED_BITS * table.positive("dim"),
        min_side=input_spec.min_side,
        min_contrast=table.number("min_contrast", MIN_CONTRAST),
        median_negative_distance=table.number("median_negative_distance"),
        source=source,
        origin=_origin(sha256, input_spec),
        rerank=table.flag("rerank"),
        score_normalization=table.flag("score_normalization"),
        semantic=table.flag("semantic"),
        tags=table.flag("tags"),
    )
    if not 0 < card.min_contrast < 1:
        raise table.wrong("min_contrast", "must lie between 0 and 1")
    if card.median_negative_distance <= 0:
        raise table.wrong("median_negative_distance", "must be above 0")
    table.finish()
    return card


def _origin(sha256: str, input_spec: ModelInput) -> str:
    """What the vectors depend on: the file, and what is done to an image before it."""
    order = "" if input_spec.channels == "RGB" else f" channels={input_spec.channels}"
    values = f"type={input_spec.type} mean={input_spec.mean} std={input_spec.std}"
    return f"{sha256} side={input_spec.side} {values}{order}{input_spec.fit.origin}"


def _training(table: _Table) -> Training:
    training = Training(table.text("data"), table.text("terms"))
    table.finish()
    return training


def _base_model(table: _Table) -> BaseModel:
    base = BaseModel(table.text("name"), table.text("licence"), table.text("source"), table.text("changes"))
    table.finish()
    return base


def _image_digests(card: _Table) -> DigestsFile | None:
    if "image_digests" not in card.values:
        return None
    table = card.table("image_digests")
    sha256 = table.matching("sha256", DIGEST, "64 hexadecimal digits, in lower case")
    entry = DigestsFile(_file(table, ENDING), sha256, table.count("trained"), table.count("held_out"))
    table.finish()
    return entry


def _text(card: _Table) -> TextTower | None:
    if "text" not in card.values:
        return None
    table = card.table("text")
    tower = TextTower(
        output=table.text("output"),
        length=table.positive("length"),
        scale=table.number("scale"),
        prompt=table.text("prompt"),
        tower=_named_file(table.table("tower"), ".onnx"),
        tokenizer=_named_file(table.table("tokenizer"), ".json"),
        names=_named_file(table.table("names"), ".npz"),
    )
    if tower.scale <= 0:
        raise table.wrong("scale", "must be above 0")
    if tower.prompt.count("{}") != 1 or set("{}") & set(tower.prompt.replace("{}", "")):
        raise table.wrong("prompt", "must hold {} once, where the text goes, and no other braces")
    table.finish()
    return tower


def _named_file(table: _Table, ending: str) -> NamedFile:
    named = NamedFile(_file(table, ending), table.matching("sha256", DIGEST, "64 hexadecimal digits, in lower case"))
    table.finish()
    return named


def _check_text(card: _Table, text: TextTower, read: ModelCard) -> None:
    """Texts are compared with whole images, by the cosine."""
    output = next((one for one in read.outputs if one.name == text.output), None)
    if output is None or output.metric != "cosine":
        raise card.table("text").wrong("output", "must be one of the outputs, with the metric 'cosine'")
    if read.regions or read.faces:
        raise card.wrong("text", "excludes the tables regions and faces")
    if len({read.file, *(one.file for one in text.files)}) < 1 + len(text.files):
        raise card.table("text").wrong("tower", "must be another file than the image tower's")


def _measured(card: _Table) -> dict[str, float]:
    if "measured" not in card.values:
        return {}
    table = card.table("measured")
    return {key: table.number(key) for key in table.values}


def _labels(card: _Table) -> Labels | None:
    if "labels" not in card.values:
        return None
    table = card.table("labels")
    names = table.texts("names")
    labels = Labels(table.text("output"), names, table.number("temperature", 1.0), table.number("abstain_below", 0.0))
    if len(names) < 2 or len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise table.wrong("names", "must be at least two texts, each once, and none of them empty")
    if labels.temperature <= 0:
        raise table.wrong("temperature", "must be above 0")
    if not 0 <= labels.abstain_below <= 1:
        raise table.wrong("abstain_below", "must lie between 0 and 1")
    table.finish()
    return labels


def _regions(card: _Table) -> RegionOutput | None:
    if "regions" not in card.values:
        return None
    table = card.table("regions").with_current_keys()
    names = table.texts("names") if "names" in table.values else ()
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise table.wrong("names", "must be texts, each once, and none of them empty")
    output = RegionOutput(table.text("output"), table.positive("count"), table.lengths("query_scales"), names)
    table.finish()
    return output


def _faces(card: _Table) -> FaceOutput | None:
    if "faces" not in card.values:
        return None
    table = card.table("faces")
    curve = table.table("curve")
    output = FaceOutput(
        table.text("output"),
        table.text("embedding"),
        _template(table) if "template" in table.values else ARCFACE,
        _detector(table.table("detector")),
        curve.number("slope"),
        curve.number("intercept"),
        curve.text("fitted_on"),
    )
    if output.slope <= 0:
        raise curve.wrong("slope", "must be above 0")
    curve.finish()
    table.finish()
    return output


def _template(table: _Table) -> Template:
    points = table.pairs("template")
    if len(points) != len(ARCFACE):
        raise table.wrong("template", "must be five pairs: right eye, left eye, nose, mouth's right and left corner")
    return points


def _detector(table: _Table) -> DetectorFile:
    detector = DetectorFile(
        _file(table, ".onnx"),
        table.matching("sha256", DIGEST, "64 hexadecimal digits, in lower case"),
        _input(table.table("input")),
        table.number("threshold"),
    )
    if not 0 < detector.threshold < 1:
        raise table.wrong("threshold", "must lie between 0 and 1")
    if detector.input.side % 32:
        raise table.table("input").wrong("side", "must be a multiple of 32")
    table.finish()
    return detector


class _Table:
    """A table of a card. Every key is asked for by its type; one that nobody asked for is an error."""

    def __init__(self, path: Path, place: str, values: Mapping[str, Any]) -> None:
        self.path, self.place, self.values = path, place, values
        self._asked: dict[str, None] = {}

    def with_current_keys(self) -> _Table:
        """The same table, EARLIER_KEYS by the names that they have now."""
        return _Table(self.path, self.place, {EARLIER_KEYS.get(key, key): one for key, one in self.values.items()})

    def wrong(self, key: str, what: str) -> ModelCardInvalid:
        return ModelCardInvalid(f"{self.path}: {self._full(key)} {what}")

    def finish(self) -> None:
        for key in self.values:
            if key not in self._asked:
                raise self.wrong(key, f"is an unknown field; there are {', '.join(map(self._full, self._asked))}")

    def text(self, key: str) -> str:
        value = self._value(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, f"must be a text, not {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._value(key)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self.wrong(key, f"must be a list of texts, not {values!r}")
        return tuple(values)

    def matching(self, key: str, pattern: re.Pattern[str], what: str) -> str:
        text = self.text(key)
        if not pattern.fullmatch(text):
            raise self.wrong(key, f"must be {what}, not {text!r}")
        return text

    def name(self, key: str) -> str:
        return self.matching(key, NAME, "letters, digits, _ . -")

    def one_of(self, key: str, choices: tuple[_Choice, ...]) -> _Choice:
        text = self.text(key)
        for choice in choices:
            if choice == text:
                return choice
        raise self.wrong(key, f"must be {' or '.join(map(repr, choices))}, not {text!r}")

    def flag(self, key: str) -> bool:
        value = self._value(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, f"must be true or false, not {value!r}")
        return value

    def whole(self, key: str) -> int:
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, f"must be a whole number, not {value!r}")
        return value

    def positive(self, key: str) -> int:
        value = self.whole(key)
        if value < 1:
            raise self.wrong(key, f"must be 1 or more, not {value}")
        return value

    def count(self, key: str) -> int:
        value = self.whole(key)
        if value < 0:
            raise self.wrong(key, f"must be 0 or more, not {value}")
        return value

    def lengths(self, key: str) -> tuple[int, ...]:
        values = self._value(key)
        if not isinstance(values, list) or not values or not all(type(one) is int and one > 0 for one in values):
            raise self.wrong(key, f"must be a list of whole numbers from 1, not {values!r}")
        return tuple(values)

    def pairs(self, key: str) -> tuple[tuple[float, float], ...]:
        values = self._value(key)
        if not isinstance(values, list) or not all(isinstance(one, list) and len(one) == 2 for one in values):
            raise self.wrong(key, f"must be a list of pairs of numbers, not {values!r}")
        return tuple((self._number(key, x), self._number(key, y)) for x, y in values)

    def number(self, key: str, default: float | None = None) -> float:
        return self._number(key, self._value(key, default))

    def triple(self, key: str, default: Triple) -> Triple:
        values = self._value(key, list(default))
        if not isinstance(values, list) or len(values) != 3:
            raise self.wrong(key, f"must be three numbers, of red, green and blue, not {values!r}")
        red, green, blue = (self._number(key, value) for value in values)
        return red, green, blue

    def table(self, key: str) -> _Table:
        value = self._value(key)
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table, not {value!r}")
        return _Table(self.path, self._full(key), value)

    def tables(self, key: str, default: list[Any]) -> list[_Table]:
        values = self._value(key, default)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.wrong(key, f"must be a list of tables, not {values!r}")
        return [_Table(self.path, self._full(key), value) for value in values]

    def _value(self, key: str, default: Any = None) -> Any:
        self._asked[key] = None
        value = self.values.get(key, default)
        if value is None:  # TOML knows no such value
            raise self.wrong(key, "is missing")
        return value

    def _number(self, key: str, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise self.wrong(key, f"must be a finite number, not {value!r}")
        return float(value)

    def _full(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

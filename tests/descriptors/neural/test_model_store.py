"""Model files and their cards: read strictly, found, checked, added, removed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from lookalike.descriptors import HASHES, get, names
from lookalike.descriptors.fusion import Blend, parse_by
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_card import BaseModel, read_card
from lookalike.errors import GalleryVersion, ModelCardInvalid, ModelDamaged, ModelError, ModelMissing, UserError
from lookalike.gallery import Gallery
from networks import SIDE, card, changed, install, means, without, write_card
from samples import folder_of

REQUIRED = [
    "format", "name", "file", "sha256", "licence", "source", "weaknesses", "input", "input.name",
    "input.side", "input.layout", "input.type", "outputs", "outputs.tint.version", "outputs.tint.dim",
    "outputs.tint.metric", "outputs.tint.median_negative_distance", "training.0.data", "training.0.terms",
    "base_models.0.name", "base_models.0.licence", "base_models.0.source", "base_models.0.changes",
]  # fmt: skip

WRONG = [
    ("format", 2, "upgrade Lookalike"),
    ("format", "1", "whole number"),
    ("name", "", "a text"),
    ("name", "a/b", "letters, digits"),
    ("file", "../means.onnx", "without a path"),
    ("file", "means.bin", "without a path"),
    ("sha256", "12ab", "64 hexadecimal digits"),
    ("sha256", "A" * 64, "lower case"),
    ("licence", 3, "a text"),
    ("weaknesses", "many", "a list of texts"),
    ("weaknesses", [1], "a list of texts"),
    ("colour", "red", "unknown field; there are format, name"),
    ("training", "photos", "a list of tables"),
    ("training.0.colour", "red", "unknown field; there are training.data, training.terms"),
    ("base_models", "ImageNet", "a list of tables"),
    ("base_models.0.licence", " ", "a text"),
    ("base_models.0.colour", "red", "unknown field; there are base_models.name, base_models.licence"),
    ("input", "image", "a table"),
    ("input.side", 0, "1 or more"),
    ("input.side", 32.0, "whole number"),
    ("input.side", True, "whole number"),
    ("input.layout", "HWC", "'NHWC' or 'NCHW'"),
    ("input.type", "float16", "'uint8' or 'float32'"),
    ("input.mean", [0.5, 0.5, 0.5], "float32"),
    ("input.colour", "red", "unknown field; there are input.name"),
    ("outputs", {}, "names no output"),
    ("outputs.blend", {"version": 1}, "no name for a descriptor"),
    ("outputs.a b", {"version": 1}, "no name for a descriptor"),
    ("outputs.tint.version", 0, "1 or more"),
    ("outputs.tint.dim", 0, "1 or more, not 0"),
    ("outputs.tint.dim", -3, "1 or more, not -3"),
    ("outputs.tint.metric", "manhattan", "'cosine' or 'euclidean'"),
    ("outputs.tint.metric", "hamming", "'cosine' or 'euclidean'"),
    ("outputs.tint.median_negative_distance", 0.0, "above 0"),
    ("outputs.tint.median_negative_distance", float("nan"), "finite number"),
    ("outputs.tint.min_contrast", 1.5, "between 0 and 1"),
    ("outputs.tint.colour", "red", "unknown field; there are outputs.tint.version"),
    ("measured.recall", "good", "finite number"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the user's models; none is shipped."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(model_store, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "models"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A model that is still to be added: its card's path."""
    return install(tmp_path / "outside")


# --- cards


def test_a_card_is_read(tmp_path: Path) -> None:
    """Every field arrives, and each output becomes a descriptor's card."""
    content = card(type="float32", mean=[0, 0.5, 1], std=[1, 2, 0.5])
    read = read_card(write_card(tmp_path / "means.toml", content))
    for field in ("name", "file", "sha256", "licence", "source", "measured"):
        assert content[field] == getattr(read, field)
    assert tuple(content["weaknesses"]) == read.weaknesses
    assert [(training.data, training.terms) for training in read.training] == [("none", "none")]
    assert read.base_models == (BaseModel("noughts", "MIT", "a drawer", "dusted"),)
    assert (read.input.mean, read.input.std) == ((0.0, 0.5, 1.0), (1.0, 2.0, 0.5))
    tint, places = read.outputs
    assert (
        tint.name, tint.version, tint.metric, tint.dim, tint.bits, tint.min_side, tint.min_contrast,
        tint.median_negative_distance,
    ) == ("tint", 1, "euclidean", 4, 64, SIDE, 0.15, 0.4)  # fmt: skip
    assert (places.name, places.metric, places.dim, places.min_contrast) == ("places", "cosine", 192, 0.2)
    assert read.onnx == tmp_path / "means.onnx"


def test_an_earlier_card_is_read(tmp_path: Path) -> None:
    """Keys by the names that they had before 0.1, `typical` and `min_quality`, give the very same descriptors."""
    now = card()
    earlier = card()
    for name, output in earlier["outputs"].items():
        output["typical"] = output.pop("median_negative_distance")
        if "min_contrast" in output:
            output["min_quality"] = output.pop("min_contrast")
        assert "typical" in earlier["outputs"][name]
    assert "min_quality" in earlier["outputs"]["places"]
    before, after = (
        read_card(write_card(tmp_path / f"{number}.toml", fields)) for number, fields in enumerate((earlier, now))
    )
    assert before.outputs == after.outputs


def test_an_earlier_card_of_regions_is_read(tmp_path: Path) -> None:
    """The shipped card with `looks` for `query_scales` is the same card."""
    (shipped,) = (model for model in model_store.shipped() if model.regions)
    text = Path(shipped.path).read_text("utf-8")
    assert "query_scales = [48, 96]" in text
    (tmp_path / "old.toml").write_text(text.replace("query_scales", "looks"))
    assert read_card(tmp_path / "old.toml").regions == shipped.regions


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    """Each but mean, std, min_contrast, base_models, training and measured must be there; the error names both."""
    path = write_card(tmp_path / "means.toml", without(card(), field))
    with pytest.raises(ModelCardInvalid) as raised:
        read_card(path)
    assert str(raised.value) == f"{path}: {field.replace('.0', '')} is missing"


def test_what_may_be_missing(tmp_path: Path) -> None:
    """Nothing measured, nothing said of training or beginning, no least quality: all have their defaults."""
    content = without(without(without(card(), "measured"), "outputs.places.min_contrast"), "training")
    content = without(content, "base_models")
    read = read_card(write_card(tmp_path / "means.toml", content))
    assert (read.measured, read.training, read.outputs[1].min_contrast, read.base_models) == ({}, (), 0.15, ())


@pytest.mark.parametrize(("field", "value", "why"), WRONG)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: Any, why: str) -> None:
    """A value of a wrong type or out of range, and a field that no card has: which, and what it must be."""
    path = write_card(tmp_path / "means.toml", changed(card(), field, value))
    with pytest.raises(ModelCardInvalid) as raised:
        read_card(path)
    assert str(raised.value).startswith(f"{path}: {field.replace('.0', '')}")
    assert why in str(raised.value)


@pytest.mark.parametrize("mean", [[0.5], [0.5, 0.5, "x"], 0.5, [0, 0, float("inf")]])
def test_three_numbers(tmp_path: Path, mean: Any) -> None:
    """Mean and std are three finite numbers, and std is above zero."""
    content = card(type="float32")
    with pytest.raises(ModelCardInvalid, match=r"input\.mean must be"):
        read_card(write_card(tmp_path / "a.toml", changed(content, "input.mean", mean)))
    with pytest.raises(ModelCardInvalid, match=r"input\.std must be above 0"):
        read_card(write_card(tmp_path / "a.toml", changed(content, "input.std", [1, 0, 1])))


@pytest.mark.parametrize("data", [b"name = ", b"\xff\xfe", b"PK\x03\x04"])
def test_what_is_not_toml(tmp_path: Path, data: bytes) -> None:
    """Said so, with the file; and so is a card that is not there."""
    (tmp_path / "a.toml").write_bytes(data)
    with pytest.raises(ModelCardInvalid, match=r"a\.toml: the card is not TOML"):
        read_card(tmp_path / "a.toml")
    with pytest.raises(ModelCardInvalid, match=r"b\.toml: no such card"):
        read_card(tmp_path / "b.toml")
    with pytest.raises(ModelCardInvalid, match="cannot be read"):
        read_card(tmp_path)


# --- fingerprints


def test_another_file_has_another_fingerprint(tmp_path: Path) -> None:
    """Trained again, or fed otherwise, a model gives vectors that cannot be compared with the old ones."""
    content = card(type="float32")
    changes = [
        content,
        changed(content, "sha256", "0" * 64),
        changed(content, "input.side", 64),
        changed(content, "input.mean", [0.1, 0, 0]),
        changed(content, "input.std", [0.1, 1, 1]),
        changed(content, "outputs.tint.version", 2),
    ]
    prints = {read_card(write_card(tmp_path / "a.toml", one)).outputs[0].fingerprint for one in changes}
    assert len(changes) == len(prints)


def test_words_do_not_change_a_fingerprint(tmp_path: Path) -> None:
    """A better description or calibration leaves galleries as they are."""
    content = card()
    for field, value in (
        ("licence", "MIT"),
        ("source", "x"),
        ("name", "y"),
        ("outputs.tint.median_negative_distance", 3.0),
    ):
        content = changed(content, field, value)
    before = read_card(write_card(tmp_path / "a.toml", card())).outputs[0]
    after = read_card(write_card(tmp_path / "a.toml", content)).outputs[0]
    assert before.fingerprint == after.fingerprint


@pytest.mark.parametrize("name", HASHES)
def test_hashes_keep_their_fingerprints(name: str) -> None:
    """A hash has no origin, so its fingerprint is what it was; with one it would be another."""
    plain = get(name).card
    assert plain.origin == ""
    assert plain.fingerprint != replace(plain, origin="a file").fingerprint


# --- finding


@pytest.mark.usefixtures("folder")
def test_without_models_all_is_as_before() -> None:
    """No folder, no models: the hashes, and nothing else."""
    assert (model_store.shipped(), model_store.users(), model_store.refused()) == ((), (), ())
    assert list(HASHES) == names()
    with pytest.raises(UserError, match=r"no model 'means'; there are: none"):
        model_store.find("means")


def test_where_the_users_models_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In $LOOKALIKE_MODELS; where that is not set or empty, in the home."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path))
    assert model_store.folder() == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value in ("", "~/.lookalike/models"):
        monkeypatch.setenv("LOOKALIKE_MODELS", value)
        assert model_store.folder() == tmp_path / "home" / ".lookalike" / "models"


def test_hashes_then_shipped_then_own(folder: Path, tmp_path: Path) -> None:
    """The order of all lists; a model is seen as soon as it lies there, and no longer when it does not."""
    content = card("zebra")
    content["outputs"] = {"a2": content["outputs"]["tint"]}
    install(folder, "zebra", content=content)
    assert [*HASHES, "a2"] == names()
    install(tmp_path / "shipped")
    assert [*HASHES, "tint", "places", "a2"] == names()
    assert [(one.name, model_store.is_shipped(one)) for one in model_store.all_models()] == [
        ("means", True),
        ("zebra", False),
    ]
    assert ([one.name for one in model_store.shipped()], [one.name for one in model_store.users()]) == (
        ["means"],
        ["zebra"],
    )
    shutil.rmtree(tmp_path / "shipped")
    assert [*HASHES, "a2"] == names()


def test_a_changed_card_is_read_again(folder: Path) -> None:
    """What a list says is what lies there now."""
    path = install(folder)
    assert model_store.find("means").licence == "CC0-1.0"
    write_card(path, changed(card(), "licence", "another one"))
    assert model_store.find("means").licence == "another one"


def test_a_bad_card_stops_nobody(folder: Path) -> None:
    """The others are used; the bad ones are named with their reasons, also by whoever misses a descriptor."""
    install(folder)
    (folder / "bad.toml").write_text("nonsense")
    (folder / "link.toml").symlink_to(folder / "nowhere")
    assert [*HASHES, "tint", "places"] == names()
    reasons = {Path(failure.path).name: failure.reason for failure in model_store.refused()}
    assert {"bad.toml", "link.toml"} == set(reasons)
    assert "not TOML" in reasons["bad.toml"]
    assert "no such card" in reasons["link.toml"]
    with pytest.raises(UserError, match=r"no descriptor 'smell'.*\n.*bad\.toml: the card is not TOML"):
        get("smell")


def test_a_folder_that_is_none(folder: Path) -> None:
    """A file in the place of the folder is named, and stops nobody."""
    folder.write_text("no folder")
    assert list(HASHES) == names()
    assert [str(folder)] == [failure.path for failure in model_store.refused()]


@pytest.mark.parametrize("taken", ["pdq", "tint"])
def test_a_name_belongs_to_whoever_had_it_first(folder: Path, tmp_path: Path, taken: str) -> None:
    """A user's model cannot take the place of a hash or of a shipped model."""
    install(tmp_path / "shipped", "first")
    content = card("own")
    content["outputs"] = {taken: content["outputs"]["tint"]}
    install(folder, "own", content=content)
    assert names().count(taken) == 1
    (failure,) = model_store.refused()
    assert f"there is a descriptor {taken!r} already" in failure.reason


def test_a_blend_knows_models(folder: Path) -> None:
    """`--by tint=2,structure=1` works, and the error of an unknown name lists the models' outputs, too."""
    install(folder)
    assert Blend({"tint": 2, "structure": 1}) == parse_by("tint=2,structure=1")
    with pytest.raises(UserError, match=r"pdq, tint, places and blend"):
        parse_by("smell")


def test_a_gallery_holds_a_models_vectors(folder: Path, tmp_path: Path) -> None:
    """Half-precision vectors go in and come out; a retrained model of the same name is refused."""
    install(folder)
    with Gallery.create(tmp_path / "g", descriptors=("tint", "structure")) as gallery:
        assert gallery.add(folder_of(tmp_path / "photos", 20)).added == 20
    with Gallery.open(tmp_path / "g") as gallery:
        assert gallery.info().descriptors["tint"] == get("tint").card.fingerprint
    install(folder, model=means(floor=-2))
    with pytest.raises(GalleryVersion, match="vectors of 'tint' come from another version"):
        Gallery.open(tmp_path / "g")


# --- checking


def renamed(kind: str, name: str) -> onnx.ModelProto:
    model = means()
    values = getattr(model.graph, kind)
    for node in model.graph.node:
        for ends in (node.input, node.output):
            ends[:] = [name if end == values[0].name else end for end in ends]
    values[0].name = name
    return model


MISMATCHES = [
    (lambda: renamed("output", "hue"), {}, "card names the outputs 'tint', 'places'; it has 'hue', 'places'"),
    (lambda: renamed("input", "x"), {}, "card names the input 'image'; it has 'x'"),
    (
        lambda: means(layout="NCHW"),
        {},
        r"input 'image' has the shape \(n, 3, 32, 32\); by its card it is \(N, 32, 32, 3",
    ),
    (lambda: means(side=64), {}, r"has the shape \(n, 64, 64, 3\); by its card it is \(N, 32, 32, 3\)"),
    (lambda: means(kind="float32"), {}, r"input 'image' is tensor\(float\); its card says tensor\(uint8\)"),
    (lambda: means(count=4), {}, r"has the shape \(4, 32, 32, 3\)"),
    (means, {"outputs.tint.dim": 5}, r"output 'tint' has the shape \(n, 4\); by its card it is \(N, 5\)"),
    (means, {"outputs.places": None}, "card names the outputs 'tint'; it has 'tint', 'places'"),
]


@pytest.mark.parametrize(("model", "changes", "why"), MISMATCHES)
def test_a_card_of_another_network(folder: Path, model: Callable[[], Any], changes: dict[str, Any], why: str) -> None:
    """Another name, layout, size, type or length than the file has: both are named."""
    content = card()
    for field, value in changes.items():
        content = changed(content, field, value)
    install(folder, model=model(), content=content)
    with pytest.raises(ModelCardInvalid, match=why):
        model_store.verify(model_store.find("means"))


def test_a_sound_model(folder: Path) -> None:
    """Nothing is said of it."""
    install(folder)
    model_store.verify(model_store.find("means"))
    info = model_store.info(model_store.find("means"))
    assert (info.state, info.descriptors, info.shipped) == ("ok", {"tint": 4, "places": 192}, False)
    assert info.bytes == (folder / "means.onnx").stat().st_size


def test_a_damaged_file(folder: Path) -> None:
    """One flipped bit is found by the sha256; a missing file is another matter."""
    install(folder)
    data = bytearray((folder / "means.onnx").read_bytes())
    data[100] ^= 1
    (folder / "means.onnx").write_bytes(data)
    with pytest.raises(ModelDamaged, match="damaged or swapped model file"):
        model_store.verify(model_store.find("means"))
    assert model_store.info(model_store.find("means")).state == "damaged"
    (folder / "means.onnx").unlink()
    with pytest.raises(ModelMissing):
        model_store.verify(model_store.find("means"))
    assert (model_store.info(model_store.find("means")).state, model_store.info(model_store.find("means")).bytes) == (
        "missing",
        0,
    )


def test_a_file_that_is_no_model(folder: Path) -> None:
    """Bytes with the right sha256 that ONNX Runtime cannot open are named as such."""

    class Nonsense:
        def SerializeToString(self) -> bytes:  # noqa: N802  protobuf's name
            return b"nonsense" * 100

    install(folder, model=Nonsense())
    with pytest.raises(ModelDamaged, match=r"means\.onnx: ONNX Runtime cannot open it"):
        model_store.verify(model_store.find("means"))


def test_a_model_that_gives_no_numbers(folder: Path) -> None:
    """NaN for ordinary noise: such a model is of no use, and the output is named."""
    install(folder, model=means(floor=2))
    with pytest.raises(ModelDamaged, match="'tint' is not finite"):
        model_store.verify(model_store.find("means"))


# --- adding and removing


def test_added_and_removed(folder: Path, outside: Path) -> None:
    """A copy lies in the user's folder, works at once, and goes without a trace."""
    added = model_store.add(outside.with_suffix(".onnx"), outside)
    assert sorted(path.name for path in folder.iterdir()) == ["means.onnx", "means.toml"]
    assert added == model_store.find("means")
    shutil.rmtree(outside.parent)
    assert get("tint").describe([]).vectors.shape == (0, 4)
    assert model_store.remove("means") == added
    assert list(folder.iterdir()) == []
    with pytest.raises(UserError, match="no descriptor 'tint'"):
        get("tint")


def test_files_of_other_names(folder: Path, tmp_path: Path, outside: Path) -> None:
    """Wherever they came from, file and card lie there under the names that the card gives."""
    shutil.move(outside.with_suffix(".onnx"), tmp_path / "run 7.bin")
    shutil.move(outside, tmp_path / "card of run 7")
    model_store.add(tmp_path / "run 7.bin", tmp_path / "card of run 7")
    assert sorted(path.name for path in folder.iterdir()) == ["means.onnx", "means.toml"]
    model_store.verify(model_store.find("means"))


def test_weights_in_another_file(folder: Path, tmp_path: Path) -> None:
    """A model is one file: what keeps its weights beside it is refused, and not copied by half."""
    path = install(tmp_path / "outside")
    model = means()
    model.graph.initializer[-1].raw_data *= 100
    model.graph.initializer[-1].dims[0] *= 100
    onnx.save(model, path.with_suffix(".onnx"), save_as_external_data=True, location="weights", size_threshold=1000)
    digest = hashlib.sha256(path.with_suffix(".onnx").read_bytes()).hexdigest()
    write_card(path, changed(card(), "sha256", digest))
    assert (tmp_path / "outside" / "weights").exists()
    with pytest.raises(ModelDamaged, match=r"outside/means\.onnx: ONNX Runtime cannot open it"):
        model_store.add(path.with_suffix(".onnx"), path)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("how", ["damaged", "no file", "NaN", "bad card", "taken by a hash", "in the way"])
def test_nothing_is_left_of_a_refused_model(folder: Path, outside: Path, how: str) -> None:
    """What is refused leaves the folder as it was, and the error names the file that was given."""
    onnx_file = outside.with_suffix(".onnx")
    before: list[str] = []
    if how == "damaged":
        onnx_file.write_bytes(onnx_file.read_bytes()[:-1])
    elif how == "no file":
        onnx_file.unlink()
    elif how == "NaN":
        install(outside.parent, model=means(floor=2))
    elif how == "bad card":
        write_card(outside, without(card(), "licence"))
    elif how == "taken by a hash":
        content = card()
        content["outputs"]["colour"] = content["outputs"].pop("tint")
        install(outside.parent, content=content)
    else:
        folder.mkdir()
        (folder / "means.onnx").write_text("something of the user's")
        before = ["means.onnx"]
    with pytest.raises((ModelError, UserError)) as raised:
        model_store.add(onnx_file, outside)
    given = folder if how == "in the way" else outside.parent
    assert str(raised.value).startswith(f"{given}/means.")
    assert before == ([path.name for path in folder.iterdir()] if folder.exists() else [])
    assert model_store.all_models() == ()


@pytest.mark.usefixtures("folder")
def test_not_twice(outside: Path) -> None:
    """The same model, or another one with a descriptor of the same name, is refused; the first stays as it was."""
    model_store.add(outside.with_suffix(".onnx"), outside)
    with pytest.raises(UserError, match="there is a model 'means' already"):
        model_store.add(outside.with_suffix(".onnx"), outside)
    other = install(outside.parent, "other", means(floor=-3))
    with pytest.raises(UserError, match="there is a descriptor 'tint' already, of the model 'means'"):
        model_store.add(other.with_suffix(".onnx"), other)
    model_store.verify(model_store.find("means"))


@pytest.mark.usefixtures("folder")
def test_only_the_users_models_can_be_removed(tmp_path: Path) -> None:
    """A shipped model stays; an unknown name is refused with the known ones."""
    install(tmp_path / "shipped")
    with pytest.raises(UserError, match="came with Lookalike"):
        model_store.remove("means")
    with pytest.raises(UserError, match="no model 'other'; there are: means"):
        model_store.remove("other")
    assert (tmp_path / "shipped" / "means.onnx").exists()


def test_removed_without_its_file(folder: Path) -> None:
    """A card whose ONNX file is gone can be removed, too."""
    install(folder)
    (folder / "means.onnx").unlink()
    model_store.remove("means")
    assert model_store.all_models() == ()

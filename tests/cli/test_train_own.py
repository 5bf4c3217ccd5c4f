"""lookalike train classifier, siamese, autoencoder, detector: from a folder to a model that indexes and searches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from boxes import coco_in
from classes import classes_in
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.image_digests import short_digests
from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.imaging import load
from lookalike.training.engine import trainer
from lookalike.training.engine.trainer import Trainer
from lookalike.training.models.efficientnet_lite import fold_norms
from lookalike.training.models.embedding_net import content_net
from lookalike.training.tasks import pretrained
from quickly import without_export
from samples import save
from terminal import here

FEW = ("--side", 32, "--steps", 6, "--batch", 12, "--seed", 1, "--json")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classes_in(tmp_path_factory.mktemp("own") / "photos", (10, 10, 10))


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of one's own lie in the test's folder; whoever starts from the shipped network gets random weights."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretrained, "restore_embedding_net", lambda *_: fold_norms(content_net()).eval())


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that leaves training is another test's business."""
    without_export(monkeypatch)


@pytest.mark.parametrize(
    ("kind", "switches", "metric", "dim"),
    [
        ("classifier", ("--init", "scratch"), "cosine", 256),
        ("siamese", ("--init", "scratch", "--dim", 16), "euclidean", 16),
        ("autoencoder", ("--latent", 8, "--width", 8), "euclidean", 8),
    ],
)
def test_from_a_folder_to_a_search(kind: str, switches: tuple, metric: str, dim: int, photos: Path) -> None:
    """Each gives a model with its card and a page; added, it indexes the folder, and a search finds the image."""
    ran = here("train", kind, photos, "--out", "mine.onnx", "--report", "page.html", *switches, *FEW)
    assert ran.code == 0
    assert ran.err == "".join(f"note: {note}\n" for note in ran.json["notes"])  # what so few images cannot show
    assert (ran.json["name"], ran.json["step"], ran.json["complete"]) == ("mine", 6, True)
    assert all(isinstance(value, float) for value in ran.json["metrics"].values())
    card = model_store.read_card(Path("mine.toml"))
    assert [(one.name, one.metric, one.dim) for one in card.outputs] == [("mine", metric, dim)]
    assert dict(card.measured) == pytest.approx(ran.json["metrics"], rel=1e-4)
    page = Path("page.html").read_text()
    assert page.count("<svg") >= 3
    assert "data:image/jpeg" in page
    digests = model_store.trained_on(card)
    assert len(digests.trained) == ran.json["images"]
    held = json.loads(Path("mine.run/held.json").read_text())
    assert set(short_digests([load(photos / path).sha256 for path in held])) == set(digests.held_out.tolist())
    assert here("models", "add", "mine.onnx").code == 0
    assert here("index", photos, "--gallery", "g", "--descriptors", "mine").code == 0
    found = here("search", photos / "b" / "003.png", "--gallery", "g", "--by", "mine", "--json", "--all")
    assert (found.code, "003.png" in found.out) == (0, True)


def test_a_library_that_labels_itself(photos: Path) -> None:
    """A classifier trained on three folders calls their images as their folders are called, a filter finds those of
    one kind, and organize would give each its folder."""
    few = ("--side", 32, "--steps", 40, "--batch", 12, "--seed", 1, "--init", "scratch")
    assert here("train", "classifier", photos, "--out", "kinds.onnx", *few).code == 0
    assert here("models", "add", "kinds.onnx").code == 0
    assert here("index", photos, "--gallery", "g", "--descriptors", "kinds,structure").code == 0
    result = here("classify", "--gallery", "g", "--model", "kinds", "--json").json
    assert (result["labelled"] + result["abstained"], result["failed"]) == (30, [])
    assert result["labelled"] >= 20
    listed = here("labels", "list", "--gallery", "g", "--json").json["images"]
    right = [one["labels"][0]["label"] == Path(one["path"]).parent.name for one in listed]
    assert sum(right) >= 0.9 * len(right)
    query = photos / "b" / "003.png"
    ran = here("search", query, "--gallery", "g", "--by", "kinds", "--where", "label = 'b'", "--json", "--all")
    hits = ran.json["queries"][0]["hits"]
    assert {Path(hit["path"]).parent.name for hit in hits} == {"b"}


@pytest.mark.usefixtures("unread")
def test_a_recipe_and_a_switch(photos: Path) -> None:
    """A recipe's settings are those of the run, but for one that a switch overrules; an unknown field is an error."""
    Path("r.toml").write_text('init = "scratch"\nside = 32\nsteps = 9\nbatch = 8\nimbalance = "focal"\n')
    ran = here("train", "classifier", photos, "--out", "x.onnx", "--recipe", "r.toml", "--steps", 2, "--json")
    assert (ran.code, ran.json["step"], ran.json["details"]["init"]) == (0, 2, "scratch")
    Path("r.toml").write_text("stpes = 9\n")
    ran = here("train", "classifier", photos, "--out", "x.onnx", "--recipe", "r.toml")
    assert (ran.code, "unknown field 'stpes'" in ran.err) == (2, True)


@pytest.mark.usefixtures("unread")
def test_what_could_not_be_used_is_listed(tmp_path: Path) -> None:
    """Corrupt files are failures of their own, an empty folder is named, and training goes on; code 1."""
    mixed = classes_in(tmp_path / "mixed", (7, 7))
    (mixed / "a" / "bad.jpg").write_bytes(b"\xff\xd8 no image")
    (mixed / "nothing").mkdir()
    ran = here("train", "classifier", mixed, "--out", "x.onnx", "--init", "scratch", *FEW)
    assert ran.code == 1
    assert [Path(one["path"]).name for one in ran.json["failed"]] == ["bad.jpg"]
    assert "bad.jpg" in ran.err
    assert "nothing" in " ".join(ran.json["notes"])


@pytest.mark.usefixtures("unread")
def test_interrupted_and_called_again(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C leaves the best model so far, says so and ends with 130; the same call goes on to the end."""
    real, steps = Trainer._step, []

    def interrupted(run: Trainer) -> dict[str, float]:
        steps.append(run.step)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return real(run)

    monkeypatch.setattr(Trainer, "_step", interrupted)
    monkeypatch.setattr(trainer, "SAVE_EVERY", 2)
    call = ("train", "classifier", photos, "--out", "x.onnx", "--init", "scratch", *FEW)
    ran = here(*call)
    assert (ran.code, ran.json["complete"], "best model so far" in ran.err) == (130, False, True)
    assert model_store.read_card(Path("x.toml")).name == "x"
    again = here(*call)
    assert (again.code, again.json["complete"], again.json["step"]) == (0, True, 6)
    assert len(steps) == 7


def test_interrupted_before_there_is_anything(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first validation there is no best model: code 130 and no file."""

    def interrupted(_: Trainer) -> dict[str, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_step", interrupted)
    ran = here("train", "classifier", photos, "--out", "x.onnx", "--init", "scratch", *FEW)
    assert (ran.code, Path("x.onnx").exists()) == (130, False)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("kind", ["classifier", "siamese", "autoencoder"])
def test_every_kind_refuses_a_run_of_another(kind: str, photos: Path) -> None:
    """A run folder that holds a run of something else is refused with both named, and nothing is overwritten."""
    others = {"classifier": "siamese", "siamese": "autoencoder", "autoencoder": "classifier"}
    extra = {
        "classifier": ("--init", "scratch"),
        "siamese": ("--init", "scratch"),
        "autoencoder": ("--width", 8, "--latent", 4),
    }
    small = ("--side", 32, "--steps", 1, "--batch", 8)
    first = here("train", others[kind], photos, "--out", "x.onnx", "--run", "r", *extra[others[kind]], *small)
    assert first.code == 0
    before = (Path("r") / "checkpoint.pt").read_bytes()
    ran = here("train", kind, photos, "--out", "y.onnx", "--run", "r", *extra[kind], *small)
    assert (ran.code, "another task" in ran.err, kind in ran.err) == (2, True, True)
    assert (Path("r") / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--out", "x.pt"), ".onnx"),
        (("--out", "copy.onnx"), "already"),
        (("--out", "x.onnx", "--lr", 0), "lr"),
        (("--out", "x.onnx", "--side", 8), "side"),
        (("--out", "x.onnx", "--imbalance", "prayer"), "prayer"),
    ],
)
def test_mistakes_are_refused_before_the_work(photos: Path, tmp_path: Path, arguments: tuple, named: str) -> None:
    """A place, a name or a setting that will not do is refused at once, and nothing is begun."""
    ran = here("train", "classifier", photos, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err
    assert list(tmp_path.iterdir()) == []


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    """A folder with one class, or none, is an error that names it."""
    one = classes_in(tmp_path / "one", (4,))
    save(tmp_path / "none" / "1.png", torch.zeros(40, 40, 3, dtype=torch.uint8).numpy())
    for folder in (one, tmp_path / "none"):
        for kind in ("classifier", "siamese"):
            ran = here("train", kind, folder, "--out", "x.onnx")
            assert (ran.code, str(folder) in ran.err) == (2, True)


@pytest.mark.usefixtures("unread")
def test_a_csv_of_images(photos: Path) -> None:
    """A CSV names images and labels; files that are missing are listed, and the others are trained on."""
    lines = [f"{photos / kind / f'{number:03}.png'},{name}" for kind, name in (("a", "red"), ("b", "green"))
             for number in range(6)]  # fmt: skip
    Path("labels.csv").write_text("\n".join(["path,label", *lines, "gone.png,red"]) + "\n")
    ran = here("train", "siamese", "labels.csv", "--out", "x.onnx", "--init", "scratch", *FEW)
    assert ran.code == 1
    assert [one["reason"] for one in ran.json["failed"]] == ["no such file"]
    assert ran.json["images"] == 8
    Path("labels.csv").write_text("file,kind\nx.png,red\n")
    ran = here("train", "siamese", "labels.csv", "--out", "x.onnx")
    assert (ran.code, "'path'" in ran.err) == (2, True)


def test_the_card_has_the_labels(photos: Path) -> None:
    """The classifier's card names its classes in the order of its logits, with temperature and abstention."""
    import tomllib

    import onnxruntime

    assert here("train", "classifier", photos, "--out", "x.onnx", "--init", "scratch", *FEW).code == 0
    labels = tomllib.loads(Path("x.toml").read_text())["labels"]
    assert (labels["output"], labels["names"]) == ("x", ["a", "b", "c"])
    assert labels["temperature"] > 0
    assert 0 < labels["abstain_below"] <= 1
    session = onnxruntime.InferenceSession("x.onnx")
    assert [(one.name, one.shape[1]) for one in session.get_outputs()] == [("x", 256), ("x_logits", 3)]
    curve = [json.loads(line) for line in Path("x.run/curve.jsonl").read_text().splitlines()]
    assert {"loss", "balanced accuracy", "step"} <= set(curve[-1])


def test_a_detector_from_boxes_to_a_page(tmp_path: Path) -> None:
    """From a COCO file whose images lie elsewhere to a model that gives boxes by its card, and finds them; what is
    wrong with the boxes is noted, and a file that is none of any kind is the user's mistake."""
    file = coco_in(tmp_path / "drawn", 10)
    moved = file.rename(tmp_path / "boxes.json")
    call = ("train", "detector", moved, "--images", tmp_path / "drawn", "--out", "things.onnx", "--report", "page.html")
    ran = here(*call, "--side", 96, "--steps", 2, "--batch", 4, "--json")
    assert (ran.code, ran.json["details"]["classes"]) == (0, ["disc", "square"])
    assert "note: classes with fewer than 10 boxes" in ran.err
    card = model_store.read_card(Path("things.toml"))
    assert card.regions == RegionOutput("things", 32, (32,), ("disc", "square"))
    assert dict(card.measured) == pytest.approx(ran.json["metrics"], rel=1e-4)
    found = model_store.regions(card).regions([load(tmp_path / "drawn" / "000.png")])[0]
    assert set(found.classes.tolist()) <= {-1, 0, 1}
    assert "Most confident false positives" in Path("page.html").read_text()
    (tmp_path / "boxes.json").write_text("{}")
    assert here(*call).code == 2

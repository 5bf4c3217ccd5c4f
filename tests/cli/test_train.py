"""lookalike train: copy, recipe."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lookalike.descriptors.neural import model_store
from lookalike.training.export.card import CardContents, write_card
from lookalike.training.export.onnx_export import export_embedding_net
from lookalike.training.models.embedding_net import copy_net
from lookalike.training.models.weights import read_weights, write_weights
from quickly import with_one_export, without_export
from samples import folder_of
from terminal import here

SIDE = 32
RECIPE = """
seed = 1
side = 32
sources = [{ root = "photos" }]
phases = [{ size = 32, batch = 4, steps = 2 }]
"""


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def _one_export():
    with pytest.MonkeyPatch.context() as patch:
        with_one_export(patch)
        yield


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model of random weights that sees 32 pixels, as if it had been shipped."""
    folder = tmp_path_factory.mktemp("shipped")
    sha256 = export_embedding_net(copy_net(), "copy", SIDE, folder / "small.onnx")
    write_card(CardContents("small", sha256, "none", "random", SIDE, {"copy": 0.9}), folder / "small.onnx")
    return folder


@pytest.fixture(autouse=True)
def folders(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "SHIPPED", small)
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = folder_of(tmp_path_factory.mktemp("train") / "photos", 44)
    (photos / "bad.jpg").write_text("no image")
    return photos


def test_copy_json(photos: Path, tmp_path: Path) -> None:
    """From a folder to a model that can be added and used: scores, counts, the file, its card and the run."""
    ran = here("train", "copy", photos, "--out", "x.onnx", "--steps", 2, "--json")
    assert (ran.code, ran.err) == (0, "")
    result = ran.json
    assert list(result) == [
        *("model", "before", "after", "recall_gain", "recall_at_1_gain", "outcome", "improved"),
        *("images", "held_out", "unreadable"),
    ]
    assert (result["recall_gain"]["count"], result["outcome"] in ("helped", "harmed", "open")) == (9, True)
    assert (result["model"], result["images"], result["held_out"], result["unreadable"]) == ("x.onnx", 44, 9, 1)
    assert set(result["before"]) == set(result["after"]) == {"recall", "recall_at_1"}
    assert (tmp_path / "x.run" / "checkpoint.pt").is_file()
    assert [json.loads(line)["step"] for line in (tmp_path / "x.run" / "curve.jsonl").read_text().splitlines()] == [2]
    card = model_store.read_card(tmp_path / "x.toml")
    assert [(output.name, output.median_negative_distance) for output in card.outputs] == [("x", 0.9)]
    assert [output.rerank for output in card.outputs] == [True]
    digests = model_store.trained_on(card)
    assert (len(digests.trained), len(digests.held_out)) == (35, 9)
    assert [(base.name, base.licence, base.changes) for base in card.base_models] == [
        ("small", "none", "trained on further images")
    ]
    assert card.measured["recall after"] == pytest.approx(result["after"]["recall"], rel=1e-5)
    assert here("models", "add", "x.onnx").code == 0
    described = here("describe", photos / "0001.jpg", "--by", "x", "--json")
    assert described.code == 0
    assert "x" in described.out


def test_copy_words(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For people: a table of before and after, what was held out, and what to do now; the name is the chosen one."""
    without_export(monkeypatch)
    ran = here(
        "train", "copy", photos, "--out", "x.onnx", "--steps", 1, "--name", "holiday", "--run", "kept", "--seed", 3
    )
    assert ran.code == 0
    for word in ("before", "after", "recall", "recall@1", "9 of 44", "95 % interval"):
        assert word in ran.out
    assert any(words in ran.out for words in ("It helped", "It did harm", "No difference that 9 images could show"))
    assert (tmp_path / "kept" / "checkpoint.pt").is_file()
    assert model_store.read_card(tmp_path / "x.toml").name == "holiday"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--out", "x.pt"], ".onnx"),
        (["--out", "no/where/x.onnx"], "no such folder"),
        (["--out", "two words.onnx"], "--name"),
        (["--out", "x.onnx", "--name", "structure"], "already"),
        (["--out", "copy.onnx"], "already"),
    ],
)
def test_mistakes_are_refused_before_the_work(photos: Path, tmp_path: Path, arguments: list[str], named: str) -> None:
    """A place or a name that cannot be used is refused at once, and nothing is begun."""
    ran = here("train", "copy", photos, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err
    assert list(tmp_path.iterdir()) == []


def test_folders_that_teach_nothing(tmp_path: Path) -> None:
    """No such folder, and one with too few images: code 2 and a sentence."""
    for folder in (tmp_path / "none", folder_of(tmp_path / "few", 3)):
        ran = here("train", "copy", folder, "--out", "x.onnx")
        assert (ran.code, ran.out) == (2, "")
        assert str(folder) in ran.err


def test_recipe(photos: Path, tmp_path: Path) -> None:
    """A recipe becomes an ONNX file and weights to go on from; run again, it has nothing left to do and gives the same
    file."""
    data_of(photos, tmp_path)
    write_weights(copy_net(), tmp_path / "begin.pt")
    call = ("train", "recipe", "r.toml", "--data", "data", "--run", "run", "--out", "n.onnx", "--side", 32)
    ran = here(*call, "--init", "begin.pt", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["model"], ran.json["steps"], len(ran.json["sha256"])) == ("n.onnx", 2, 64)
    before, after = read_weights(tmp_path / "begin.pt"), read_weights(Path(ran.json["weights"]))
    name = "trunk.9.body.0.conv.weight"
    assert not torch.equal(before[name], after[name])
    assert torch.cosine_similarity(before[name].flatten(), after[name].flatten(), dim=0) > 0.9  # not random ones
    again = here(*call, "--init", "begin.pt")
    assert again.out.split()[:3] == ["n.onnx", "sha256", ran.json["sha256"]]


def test_recipe_mistakes(photos: Path, tmp_path: Path) -> None:
    """A recipe that is not there, and weights of something else: code 2 and a sentence with the file, nothing begun."""
    data_of(photos, tmp_path)
    (tmp_path / "none.pth").write_bytes(b"no weights")
    for arguments, named in ((("none.toml",), "none.toml"), (("r.toml", "--init", "none.pth"), "none.pth")):
        ran = here("train", "recipe", *arguments, "--data", "data", "--run", "run", "--out", "n.onnx")
        assert (ran.code, named in ran.err) == (2, True)
        assert not (tmp_path / "run").exists()


def data_of(photos: Path, folder: Path) -> None:
    """Eight images as the recipe's source, and the recipe."""
    (folder / "data" / "photos").mkdir(parents=True)
    for number in range(8):
        shutil.copy(photos / f"{number:04}.jpg", folder / "data" / "photos")
    (folder / "r.toml").write_text(RECIPE)


@pytest.mark.parametrize("missing", ["torch", "onnx", "onnxscript"])
def test_without_the_extra(missing: str) -> None:
    """Without what training needs, a sentence names the package and the extra that brings it; code 3."""
    script = f"""
import sys
sys.modules[{missing!r}] = None
from lookalike.cli import main
main(["train", "copy", "photos", "--out", "x.onnx"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{missing} is not installed" in done.stderr
    assert "lookalike[train]" in done.stderr

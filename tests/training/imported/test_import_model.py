"""Folders of transformers as models: the same vectors as transformers gives, found by the command line and by words."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `import` is not installed")

import torch
import transformers
from safetensors.torch import load_file, save_file

import tiny_transformers
from lookalike.descriptors import describe_all, text_network
from lookalike.descriptors.neural import model_store
from lookalike.errors import ModelError, UserError
from lookalike.gallery import Gallery
from lookalike.imaging import load
from lookalike.training.imported import parity
from lookalike.training.imported.checkpoint import quiet_transformers
from lookalike.training.imported.import_model import ImportOptions, import_model
from samples import photograph, save
from terminal import here

KINDS = [
    "clip",
    "dinov2",
    *(pytest.param(kind, marks=pytest.mark.full) for kind in ("siglip", "siglip2", "vit")),
]
TEXTS = ("a photo of a dog", "Two cats, on a street!", "")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photographs, upright and across, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png"):
        save(folder / f"{Path(name).stem}.png", photograph(name)[::3, ::3])
    save(folder / "tall.png", np.ascontiguousarray(photograph("coffee.png")[:390:3, 200:380:3]))
    save(folder / "dark.png", (photograph("chelsea.png")[::2, ::2] * 0.4).astype(np.uint8))
    (folder / "broken.jpg").write_bytes(b"none")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's models."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    torch.manual_seed(0)
    with quiet_transformers():
        yield tmp_path / "models"


@pytest.fixture
def few_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen names to hold texts against: a thousand take seconds."""
    names = [f"thing {n}" for n in range(12)]
    monkeypatch.setattr("lookalike.training.imported.import_model.background_names", lambda: names)


def folder_of(kind: str, place: Path) -> Path:
    getattr(tiny_transformers, kind)(place / f"tiny-{kind}")
    return place / f"tiny-{kind}"


def by_transformers(folder: Path, files: list[Path]) -> Any:
    """The vectors of image files, as the documentation of transformers shows how to get them."""
    from PIL import Image

    model = transformers.AutoModel.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    found = []
    for file in files:
        image = Image.open(file).convert("RGB")
        if model.config.model_type == "siglip2":
            image = image.resize((32, 32), Image.Resampling(processor.resample))
        inputs = processor(images=image, return_tensors="pt")
        with torch.no_grad():
            if hasattr(model, "get_image_features"):
                vector = model.get_image_features(**inputs).pooler_output[0]
            else:
                vector = model(**inputs).last_hidden_state[0, 0]
        found.append((vector / vector.norm()).numpy())
    return np.array(found)


@pytest.mark.usefixtures("few_names", "home")
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_transformers(kind: str, photos: Path, tmp_path: Path) -> None:
    """Of images of any shape and of texts, by files that hold nothing of transformers any more; the card says how
    near, on the user's images."""
    folder = folder_of(kind, tmp_path)
    card = import_model(ImportOptions(folder, photos))
    assert (card.name, card.outputs[0].semantic) == (f"tiny-{kind}", True)
    files = sorted(photos.glob("*.png"))
    described = describe_all([load(file) for file in files], [card.name])[card.name]
    theirs = by_transformers(folder, files)
    assert (described.vectors * theirs).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert len({tuple(np.round(vector, 2)) for vector in theirs}) == len(files)
    assert card.measured["cosine to transformers, 6 images, lowest"] > 0.9999
    assert card.measured["same nearest image as transformers, 6 images"] == 1
    network = text_network(card.name)
    if kind in ("dinov2", "vit"):
        assert network is None
        return
    assert network is not None
    assert card.text is not None
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    prompted = [card.text.prompt.format(text) for text in TEXTS]
    inputs = tokenizer(prompted, padding="max_length", max_length=16, truncation=True, return_tensors="pt")
    assert network.tokens(prompted).tolist() == inputs["input_ids"].tolist()
    with torch.no_grad():
        wanted = model.get_text_features(inputs["input_ids"]).pooler_output
    wanted = (wanted / wanted.norm(dim=1, keepdim=True)).numpy()
    assert (network.encode(TEXTS) * wanted).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert card.text.scale == pytest.approx(float(model.logit_scale.detach().exp()), rel=1e-6)


@pytest.mark.usefixtures("few_names")
def test_from_the_folder_to_a_search_by_words(home: Path, photos: Path, tmp_path: Path) -> None:
    """`models import` in 8 bits, `index`, `search --text`, `label --names`, and the licence of the folder's README."""
    folder = folder_of("clip", tmp_path)
    ran = here("models", "import", folder, "--images", photos, "--quantize", "--json")
    assert ran.code == 0
    assert list(ran.json) == ["name", "descriptors", "bytes", "shipped", "state", "path", "measured"]
    assert 0.99 < ran.json["measured"]["cosine to transformers, 6 images, lowest"] < 1
    assert "terms: mit" not in ran.out
    card = model_store.find("tiny-clip")
    assert (card.licence, card.base_models[0].changes) == ("mit", "weights stored in 8 bits")
    assert here("models", "verify", "tiny-clip").code == 0
    shown = here("models", "show", "tiny-clip").out
    assert "tiny-clip-text.onnx" in shown
    assert "32 x 32 pixels, uint8, NHWC, the middle at 40 pixels, bicubic" in shown
    assert here("index", photos, "--gallery", tmp_path / "g", "--descriptors", "tiny-clip").code == 1  # broken.jpg
    found = here("search", "--gallery", tmp_path / "g", "--text", "a dog", "--least", 0, "--json").json["hits"]
    with Gallery.open(tmp_path / "g") as gallery:
        assert [hit["path"] for hit in found] == [hit.path for hit in gallery.search_text("a dog", least=0).hits]
    assert found[0]["evidence"][0]["name"] == "tiny-clip"
    labelled = here("label", "--gallery", tmp_path / "g", "--suggest", "--names", "dog,cat", "--least", 0, "--json")
    assert labelled.json["labelled"] == 6
    again = here("models", "import", folder, "--images", photos)
    assert again.code == 2
    assert "--name" in again.err
    assert list(home.glob(".*")) == []


def test_what_cannot_be_imported(home: Path, photos: Path, tmp_path: Path) -> None:
    """Another kind of network, no folder of transformers, half a folder, and no images: each a sentence, and nothing is
    left behind."""
    with pytest.raises(UserError, match="'bert'; those that can be imported are clip, siglip"):
        import_model(ImportOptions(folder_of("bert", tmp_path), photos))
    with pytest.raises(UserError, match=r"no config\.json"):
        import_model(ImportOptions(photos, photos))
    half = folder_of("dinov2", tmp_path)
    with pytest.raises(UserError, match="fewer than two images"):
        import_model(ImportOptions(half, half))
    with pytest.raises(UserError, match="no such folder"):
        import_model(ImportOptions(half, tmp_path / "nowhere"))
    with pytest.raises(UserError, match="no name for a model"):
        import_model(ImportOptions(half, photos, name="a b"))
    (half / "model.safetensors").unlink()
    with pytest.raises(UserError, match="cannot be read by transformers"):
        import_model(ImportOptions(half, photos))
    assert not home.exists()


def test_a_folder_that_is_not_whole(home: Path, photos: Path, tmp_path: Path) -> None:
    """Where there is no tokenizer transformers makes an empty one, weights that are lacking it makes up: refused."""
    tiny_transformers.clip(tmp_path / "whole")
    weights = load_file(tmp_path / "whole" / "model.safetensors")
    for name in ("speechless", "partial"):
        shutil.copytree(tmp_path / "whole", tmp_path / name)
    for file in (tmp_path / "speechless").glob("*token*"):
        file.unlink()
    save_file({key: one for key, one in weights.items() if "fc1" not in key}, tmp_path / "partial/model.safetensors")
    with pytest.raises(UserError, match="holds no tokenizer"):
        import_model(ImportOptions(tmp_path / "speechless", photos))
    with pytest.raises(UserError, match=r"lack 4 arrays, .*fc1.* is the file whole"):
        import_model(ImportOptions(tmp_path / "partial", photos))
    assert not home.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop_size": {"height": 28, "width": 20}}, "no square"),
        ({"size": {"shortest_edge": 20}}, "no counterpart"),
        ({"resample": 5}, "filter 5"),
        ({"rescale_factor": 1.0}, "not by 1 / 255"),
        ({"do_resize": False}, "no square"),
    ],
)
def test_an_image_processor_without_a_counterpart(
    home: Path, photos: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    """Is refused, for the vectors would be others."""
    folder = folder_of("dinov2", tmp_path)
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    with pytest.raises(UserError, match=words):
        import_model(ImportOptions(folder, photos))
    assert not home.exists()


def test_vectors_that_are_others_are_refused(
    home: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the exported network wrong, nothing would be added."""
    true_vectors = parity.image_vectors
    monkeypatch.setattr(parity, "image_vectors", lambda *given: true_vectors(*given)[:, ::-1])
    with pytest.raises(ModelError, match="other vectors than transformers"):
        import_model(ImportOptions(folder_of("dinov2", tmp_path), photos))
    assert not home.exists()


@pytest.mark.parametrize("missing", ["transformers", "sentencepiece"])
def test_without_the_extra(missing: str) -> None:
    """A sentence names the package and the extra that brings it; code 3."""
    script = f"""
import sys
sys.modules[{missing!r}] = None
from lookalike.cli import main
main(["models", "import", "x", "--images", "y"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{missing} is not installed" in done.stderr
    assert "lookalike[import]" in done.stderr

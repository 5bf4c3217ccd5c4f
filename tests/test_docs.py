"""Every example in README and docs runs, in order, in a folder with the files that it names."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.cli import VERBS
from networks import install, labelled_card, means, with_logits
from samples import drawn, folder_of, photograph, save
from videos import pan, write_video

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/tutorial.md"]
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)
NOT_HERE = ("make ", "pip ")  # `make demo` and `make test` are run on a fresh clone, by hand and by CI


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/ with copies in it, labels and judged pairs of them, a model, and the single files of the examples."""
    photos = folder_of(tmp_path / "photos", 14)
    labels, pairs = ["path,label"], ["a,b,verdict"]
    for n in range(7):
        save(photos / f"again-{n:04}.jpg", drawn(n), quality=60)
        first = f"photos/{n:04}.jpg"
        again, other = f"photos/again-{n:04}.jpg", f"photos/{n + 7:04}.jpg"
        pairs += [f"{first},{again},same", f"{first},{other},different", f"{again},{other},different"]
        labels += [f"photos/{n:04}.jpg,rose", f"photos/{n + 7:04}.jpg,tulip"]
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    (tmp_path / "pairs.csv").write_text("\n".join(pairs))
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install(tmp_path / "models", "flowers", with_logits(means()), labelled_card("flowers"))
    shutil.copy(photos / "0003.jpg", photos / "copy.jpg")
    save(tmp_path / "a.jpg", photograph("chelsea.png"))
    save(tmp_path / "b.jpg", photograph("chelsea.png")[::2, ::2], quality=60)
    film = pan("coffee.png", 4)
    write_video(tmp_path / "a.mp4", film)
    write_video(tmp_path / "b.mp4", film[10:])
    save(tmp_path / "query.jpg", drawn(5, 480, 360))
    save(tmp_path / "incoming" / "from_chat.jpg", drawn(3), quality=70)
    save(tmp_path / "part.jpg", drawn(7)[20:90, 30:130])
    return tmp_path


def commands(block: str) -> list[str]:
    lines = [line.split("  #")[0].strip() for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(("#", *NOT_HERE))]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, folder: Path) -> None:
    """Shell commands exit with 0 and Python blocks raise nothing, from the top of the page to its end."""
    ran = 0
    for language, block in BLOCK.findall((ROOT / page).read_text("utf-8")):
        lines = commands(block) if language == "sh" else [None]
        for line in lines:
            words = [sys.executable, "-c", block] if line is None else [sys.executable, "-m", *shlex.split(line)]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            assert done.returncode == 0, f"{line or block}\n{done.stdout}{done.stderr}"
            ran += 1
    assert ran >= 8


CHECKS = """
from lookalike import describe

images = [np.full((20, 30, 3), 90, np.uint8), np.zeros((3, 5, 3), np.uint8)]
images = [Image(pixels, pixels.shape[1], pixels.shape[0]) for pixels in images]
embedded = Brightness().describe(images)
assert embedded.vectors.shape == (2, CARD.dim) and embedded.vectors[0].tolist() == [90.0] * 16
assert embedded.contrast.tolist() == [0.0, 0.0]
assert (describe(images, "brightness") == embedded.vectors).all()
"""


def test_the_guide_to_a_new_descriptor_works() -> None:
    """The descriptor of docs/how-to/descriptor.md satisfies what it promises, and is known by its name."""
    text = (ROOT / "docs" / "how-to" / "descriptor.md").read_text("utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code + CHECKS], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_has_an_example() -> None:
    """Each command has an example in the README or the tutorial, which run."""
    text = "".join((ROOT / page).read_text("utf-8") for page in PAGES)
    assert [verb for verb in VERBS if f"lookalike {verb}" not in text and f"make {verb}" not in text] == []


def test_links_lead_somewhere() -> None:
    """Every relative link of every page names a file that exists."""
    pages = [page for folder in ("docs", "recipes", "benchmarks", "src") for page in (ROOT / folder).rglob("*.md")]
    links = [
        (page, link)
        for page in [*ROOT.glob("*.md"), *pages]
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    ]
    assert len(links) > 40
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []


def test_files_that_the_pages_name_exist() -> None:
    """A path of the repository that stands in backticks is that of a file or a folder."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {
        path
        for page in pages
        for path in re.findall(r"`((?:src|tests|docs|recipes|benchmarks)/[\w./-]*)`", page.read_text("utf-8"))
    }
    assert len(named) > 10
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_architecture_is_that_of_the_code() -> None:
    """Each path in ARCHITECTURE.md is the end of the path of a file or folder."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(r"`([\w/]+(?:/|\.py|\.sql|\.toml|\.js))`", text)
    assert len(named) > 60
    known = {f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}" for path in ROOT.rglob("[!.]*")}
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in known)] == []


def test_pages_that_the_code_names_exist() -> None:
    """Help, errors and docstrings send nobody to a page that has moved."""
    named = {
        (path.relative_to(ROOT), page)
        for path in (ROOT / "src").rglob("*")
        if path.suffix in {".py", ".js", ".md", ".html"}
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text("utf-8"))
    }
    assert named
    assert sorted(f"{path}: {page}" for path, page in named if not (ROOT / page).exists()) == []


def test_the_readme_and_the_docs_give_the_same_figures() -> None:
    """Each figure in bold in the README's table stands in the table of all results."""
    results = (ROOT / "docs" / "reference" / "results.md").read_text("utf-8")
    table = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    metrics = [figure for line in table for figure in re.findall(r"\*\*(.+?)\*\*", line)]
    assert len(metrics) >= 5
    assert [figure for figure in metrics if figure not in results] == []

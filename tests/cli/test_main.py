"""The command line as a whole: help for everything, exit codes, what goes where, and what is imported."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from corpora import Corpora
from lookalike.cli import VERBS
from lookalike.errors import GalleryDamaged, LookalikeError
from lookalike.version import __version__
from samples import drawn, folder_of, save
from terminal import START, here, process

WRITTEN = [verb for verb in VERBS if importlib.util.find_spec(f"lookalike.cli.{verb}")]


@pytest.fixture
def gallery(corpora: Corpora, tmp_path: Path) -> Path:
    """Of tmp_path/photos, six drawings."""
    return corpora.copied(tmp_path, folder_of, 6).gallery


@pytest.mark.parametrize("verb", WRITTEN)
def test_every_verb_is_documented(verb: str) -> None:
    """Each verb says what it does, and so does each of its options; --help shows all of it."""
    command: click.Command = importlib.import_module(f"lookalike.cli.{verb}").command
    assert len(command.help or "") > 20
    ran = here(verb, "--help")
    assert (ran.code, ran.err) == (0, "")
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert option.opts[0] in ran.out


def test_every_verb_is_a_file() -> None:
    """Each file or package of the command line is a verb of the table or one of the files that they share."""
    folder = Path(importlib.import_module("lookalike.cli").__file__ or "").parent
    files = {path.stem for path in folder.glob("*.py")} - {
        "__init__",
        "lazy",
        "output",
        "clearing",
        "text_search",
        "finding",
        "indexing",
        "upgrading",
        "catalogue_report",
    }
    files |= {path.parent.name for path in folder.glob("*/__init__.py")}
    assert files == set(WRITTEN)
    assert {"index", "search", "compare", "duplicates", "describe", "info"} <= files


def test_help_and_version() -> None:
    """--help lists every verb with its sentence; --version tells the version; nothing at all is a mistake."""
    ran = here("--help")
    assert ran.code == 0
    for verb, sentence in VERBS.items():
        assert verb in ran.out
        assert sentence in ran.out
    assert __version__ in here("--version").out
    assert process().code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], 2),
        (["info", "--nonsense"], 2),
        (["info"], 2),
        (["info", "--gallery", "/no/where"], 2),
        (["search", "/no/where.jpg", "-g", "{gallery}"], 2),
        (["search", "{photo}", "-g", "{gallery}", "--by", "pdq"], 2),
        (["search", "{photo}", "-g", "{gallery}", "--where", "width >"], 2),
        (["compare", "{photo}", "{bad}"], 1),
        (["describe", "{photo}", "{bad}"], 1),
        (["info", "-g", "{damaged}"], 3),
        (["info", "-g", "{gallery}"], 0),
    ],
)
def test_exit_codes(gallery: Path, tmp_path: Path, arguments: list[str], code: int) -> None:
    """0 done, 1 a file failed, 2 the user's mistake, 3 something outside; a line on stderr, never a traceback."""
    (tmp_path / "bad.jpg").write_text("no image")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "gallery.sqlite").write_bytes(b"SQLite no more" * 100)
    places = {
        "gallery": gallery,
        "photo": tmp_path / "photos" / "0000.jpg",
        "bad": tmp_path / "bad.jpg",
        "damaged": tmp_path / "damaged",
    }
    ran = process(*(argument.format(**places) for argument in arguments), env={"LOOKALIKE_GALLERY": ""})
    assert ran.code == code
    assert "Traceback" not in ran.err
    assert (ran.err == "") == (code == 0)


def test_the_codes_are_those_of_the_errors() -> None:
    """The tree of errors carries the exit codes; what is not told apart is something outside."""
    assert (LookalikeError.exit_code, GalleryDamaged.exit_code) == (3, 3)


def test_an_error_of_the_system(tmp_path: Path) -> None:
    """A folder that is gone under our feet is a sentence and exit code 3."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"import os; os.rmdir({str(gone)!r}); from lookalike.cli import main; main(['info', '-g', 'relative'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=gone, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("lookalike: ")
    assert "Traceback" not in done.stderr


@pytest.mark.kills
def test_interrupted_while_indexing(tmp_path: Path) -> None:
    """Ctrl-C ends with code 130 and a sentence; the gallery is whole and the next run finishes."""
    photos = folder_of(tmp_path / "photos", 150)
    script = """
import signal, time, lookalike.gallery.ingest.extract as intake
from lookalike.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
def slow(*given, real=intake.load, **options):
    print(".", end="", flush=True)
    time.sleep(0.02)
    return real(*given, **options)
intake.load = slow
main()
"""
    started = subprocess.Popen(
        [sys.executable, "-c", script, "index", str(photos), "-g", str(tmp_path / "g")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.read(90) == "." * 90
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=30)
    assert started.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    ran = process("index", photos, "-g", tmp_path / "g", "--json")
    assert ran.code == 0
    assert ran.json["images"] == 150
    assert 0 < ran.json["unchanged"] < 150


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["search", "info", "help", "describe", "index", "duplicates"])
def test_a_reader_that_has_seen_enough(gallery: Path, tmp_path: Path, verb: str) -> None:
    """With nobody reading stdout any more (| head) the run ends quietly, and not as a failure."""
    photo = tmp_path / "photos" / "0000.jpg"
    calls = {
        "search": ["search", photo, "-g", gallery],
        "info": ["info", "-g", gallery],
        "help": ["--help"],
        "describe": ["describe", "--json", *([photo] * 30)],
        "index": ["index", tmp_path / "photos", "-g", gallery],
        "duplicates": ["duplicates", "-g", gallery, "--json"],
    }
    started = subprocess.Popen(
        [*START, *map(str, calls[verb])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.close()
    assert (started.stderr.read(), started.wait()) == (b"", 0)
    started.stderr.close()


def test_the_gallery_of_the_environment(gallery: Path, tmp_path: Path) -> None:
    """LOOKALIKE_GALLERY names the gallery where --gallery does not."""
    env = {"LOOKALIKE_GALLERY": str(gallery)}
    assert process("info", "--json", env=env).json["images"] == 6
    hits = process("search", tmp_path / "photos" / "0001.jpg", "--json", env=env).json
    assert hits["queries"][0]["hits"][0]["path"] == str(tmp_path / "photos" / "0001.jpg")
    assert process("info", "-g", tmp_path / "none", env=env).code == 2


ODD = [
    "line\nbreak.png",
    "🐈.png",
    os.fsdecode(b"caf\xe9.png"),
    "caf\u00e9.png",
    "red\x1b[31m.png",
    "[bold]x[bold].png",
]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_names_of_every_kind(tmp_path: Path, encoding: str) -> None:
    """No file name breaks a verb, a terminal's line or its encoding; --json keeps every byte of it."""
    folder = tmp_path / "odd"
    for name in ODD:
        save(folder / "x.png", drawn(1)).rename(folder / name)
    (folder / os.fsdecode(b"bad\xff\n.png")).write_text("no image")
    env = {"PYTHONIOENCODING": encoding}
    gallery, bad, photo = tmp_path / "g", folder / os.fsdecode(b"bad\xff\n.png"), folder / ODD[2]
    calls = (
        ("index", folder, "-g", gallery),
        ("search", photo, "-g", gallery),
        ("search", folder / ODD[4], "-g", gallery, "--report", tmp_path / "r.html"),
        ("compare", photo, folder / ODD[0]),
        ("describe", *(folder / name for name in ODD), bad),
        ("duplicates", "-g", gallery, "--report", tmp_path / "d.html"),
        ("info", "-g", gallery),
        ("compare", photo, bad),
    )
    for call in calls if encoding == "utf-8" else calls[:2]:
        for extra in ([], ["--json"]):
            ran = here(*call, *extra) if extra and encoding == "utf-8" else process(*call, *extra, env=env)
            assert "Traceback" not in ran.err, ran.err
            assert ran.code == (1 if bad in call or (call[0] == "index") else 0)
            assert "\x1b" not in ran.out + ran.err
            if extra and ran.out:
                assert isinstance(ran.json, dict)
    found = process("search", photo, "-g", gallery, "--json", env=env).json
    assert sorted(hit["path"] for hit in found["queries"][0]["hits"]) == sorted(str(folder / name) for name in ODD)
    rows = process("search", photo, "-g", gallery, env=env).out.splitlines()
    assert len([row for row in rows if "identical" in row]) == len(ODD)


def test_the_package_imports_little() -> None:
    """``import lookalike`` brings no engine, no command line and no log handler along, and prints nothing."""
    script = """
import logging, sys
before = list(logging.root.handlers)
import lookalike
heavy = {"cv2", "faiss", "torch", "click", "rich", "lark", "jinja2", "sqlite3"} & set(sys.modules)
assert not heavy, heavy
assert before == logging.root.handlers == []
named = [name for name in logging.root.manager.loggerDict if name.startswith("lookalike")]
assert not any(logging.getLogger(name).handlers for name in named)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_help_imports_little() -> None:
    """``lookalike --help`` imports neither OpenCV nor FAISS nor any verb."""
    script = """
import sys
from lookalike.cli import _run
assert _run(["--help"]) == 0
heavy = {"cv2", "faiss", "torch", "rich", "lark", "jinja2"} & set(sys.modules)
assert not heavy, heavy
assert [name for name in sys.modules if name.startswith("lookalike.cli.")] == ["lookalike.cli.lazy"]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

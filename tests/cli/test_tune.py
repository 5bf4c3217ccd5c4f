"""lookalike tune: from judged pairs, of a gallery or of plain files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import apply
from lookalike.types import TuneReport
from samples import drawn, save
from terminal import fields, here, process

COUNT = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images and their mirror images, pairs.csv, and g, a gallery of them."""
    folder = tmp_path_factory.mktemp("tune")
    lines = ["a,b,verdict"]
    for n in range(COUNT):
        save(folder / f"o{n}.png", drawn(n))
        save(folder / f"m{n}.png", apply("mirror", drawn(n)))
        lines += [f"o{n}.png,m{n}.png,same", f"o{n}.png,o{(n + 1) % COUNT}.png,different"]
    (folder / "pairs.csv").write_text("\n".join(lines))
    with Gallery.create(folder / "g", ["copy", "colour", "texture", "structure"]) as opened:
        opened.add(sorted(folder.glob("*.png")))
    return folder


@pytest.fixture(autouse=True)
def no_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOKALIKE_GALLERY", raising=False)


def test_of_a_gallery(folder: Path) -> None:
    """It says what helped, keeps it, and forgets it."""
    ran = process("tune", "-g", folder / "g", "--pairs", folder / "pairs.csv", "--json")
    assert (ran.code, ran.err, list(ran.json)) == (0, "", fields(TuneReport))
    assert (ran.json["same"], ran.json["different"], ran.json["kept"]) == (COUNT, COUNT, True)
    words = here("tune", "-g", folder / "g", "--pairs", folder / "pairs.csv").out
    assert all(word in words for word in ("before", "after, cross-validated", "--by copy=", "It helped, and is kept."))
    gain = ran.json["accuracy_gain"]
    expected = (
        f"accuracy {100 * gain['value']:+.1f}, 95 % interval {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}"
    )
    assert expected in words
    assert 0 < gain["low"] < gain["value"]
    assert here("tune", "-g", folder / "g", "--forget", "--json").json == {"forgotten": 1}
    assert "0 measures" in here("tune", "-g", folder / "g", "--forget").out


def test_no_difference_that_so_few_could_show(folder: Path) -> None:
    """Pairs that nothing is to be learnt from: it says how many there were and keeps nothing."""
    lines = ["a,b,verdict", *(f"o{n}.png,o{n}.jpg,same" for n in range(COUNT))]
    lines += [f"o{n}.png,o{(n + 2) % COUNT}.png,different" for n in range(COUNT)]
    for n in range(COUNT):
        save(folder / f"o{n}.jpg", drawn(n), quality=80)
    (folder / "easy.csv").write_text("\n".join(lines))
    ran = here("tune", folder / "easy.csv")
    assert (ran.code, f"No difference that {2 * COUNT} pairs could show" in ran.out) == (0, True)
    ran = here("tune", folder / "easy.csv", "--json")
    assert (ran.json["outcome"], ran.json["helped"], ran.json["kept"]) == ("open", False, False)
    assert ran.json["auc_gain"]["low"] <= 0 <= ran.json["auc_gain"]["high"]


def test_of_plain_files(folder: Path) -> None:
    """Files alone are told about, with shares to search by; nothing is kept anywhere."""
    ran = here("tune", folder / "pairs.csv", "--by", "copy", "--json")
    assert (ran.code, ran.json["by"], ran.json["kept"]) == (0, "copy", False)
    assert "nothing is kept" in here("tune", folder / "pairs.csv").out
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["g"]


def test_files_that_cannot_be_used(folder: Path) -> None:
    """A missing and a broken file are listed with their lines; the code says so; the others are used."""
    (folder / "bad.png").write_text("no image")
    more = "\ngone.png,o1.png,same\no1.png,bad.png,different\n"
    (folder / "more.csv").write_text((folder / "pairs.csv").read_text() + more)
    ran = here("tune", folder / "more.csv", "--by", "colour", "--json")
    assert (ran.code, ran.json["same"], ran.json["different"]) == (1, COUNT, COUNT)
    names = [Path(one["path"]).name for one in ran.json["failed"]]
    assert names == ["gone.png", "bad.png", f"more.csv:{2 * COUNT + 2}", f"more.csv:{2 * COUNT + 3}"]
    assert here("tune", "-g", folder / "g", "--pairs", folder / "more.csv").code == 1


def test_verdicts(folder: Path) -> None:
    """What `duplicates --same` and `--different` have recorded; before there is enough, that is a mistake."""
    arguments = ("tune", "-g", folder / "g", "--verdicts", "--json")
    assert "there are 0 same and 0 different" in here(*arguments).err
    pairs = [part for n in range(COUNT) for part in ("--same", folder / f"o{n}.png", folder / f"m{n}.png")]
    for n in range(COUNT):
        pairs += ["--different", folder / f"o{n}.png", folder / f"o{(n + 1) % COUNT}.png"]
    assert here("duplicates", "-g", folder / "g", "--no-verify", *pairs).code == 0
    ran = here(*arguments)
    assert (ran.code, ran.json["same"], ran.json["different"]) == (0, COUNT, COUNT)
    assert f"{2 * COUNT} pairs that you have judged" in here("info", "-g", folder / "g").out
    here("tune", "-g", folder / "g", "--forget")


def test_mistakes(folder: Path) -> None:
    """No pairs, two kinds of them, no gallery, too few, no header, an unknown measure: code 2, and why."""
    (folder / "few.csv").write_text("a,b,verdict\no1.png,m1.png,same\n")
    (folder / "bare.csv").write_text("o1.png,m1.png,same\n")
    gallery, pairs = ["-g", folder / "g"], folder / "pairs.csv"
    for arguments, why in (
        (gallery, "choose one"),
        ([pairs, "--verdicts", *gallery], "choose one"),
        (["--pairs", pairs], "name the gallery"),
        ([*gallery, "--pairs", folder / "few.csv"], "20 usable pairs"),
        ([folder / "few.csv"], "20 usable pairs"),
        ([folder / "bare.csv"], "must name the columns a, b, verdict"),
        ([*gallery, "--pairs", folder / "no.csv"], "cannot be read"),
        ([*gallery, "--pairs", pairs, "--by", "content"], "holds no 'content'"),
        ([pairs, "--by", "nothing"], "no descriptor 'nothing'"),
        ([*gallery, "--pairs", pairs, "--precision", "1"], "--precision"),
    ):
        ran = here("tune", *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert why in ran.err


def test_same_needs_a_gallery(folder: Path) -> None:
    """`duplicates --same` without a gallery is a mistake."""
    ran = here("duplicates", folder, "--same", folder / "o1.png", folder / "m1.png")
    assert (ran.code, "--same is remembered in a gallery" in ran.err) == (2, True)

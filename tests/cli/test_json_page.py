"""docs/reference/json.md: what the page says of ``--json`` is what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lookalike.types import TextTuneReport, TuneReport, WeightReport
from networks import install, labelled_card, means, with_logits
from portraits import drawn_face, drawn_portrait, install_portraits
from samples import drawn, folder_of, save
from terminal import fields, here

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
ROWS = re.findall(r"^\| `(.+?)` \| (`.+?) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
KEYS = {command: re.findall(r"`(\w+)`", keys) for command, keys, _ in ROWS}
OPEN = {command for command, _, words in ROWS if words.startswith("and ")}  # the page names some of the keys only

CALLS = {  # row of the page -> how it is called, in this order, in a folder with the files that are named
    "index": "index photos --gallery g --descriptors copy,structure",
    "search": "search query.jpg --gallery g --by structure",
    "recommend": "recommend query.jpg --gallery shop",
    "compare": "compare query.jpg photos/0000.jpg",
    "duplicates": "duplicates --gallery g --by structure --no-verify",
    "audit": "audit photos",
    "describe": "describe query.jpg",
    "classify IMAGE": "classify query.jpg --model flowers",
    "classify --gallery": "classify --gallery g --model flowers",
    "label --suggest": "label --gallery words --suggest",
    "label --next": "label --gallery words --next 2",
    "labels import": "labels import --gallery g --csv labels.csv",
    "labels list": "labels list --gallery g",
    "labels list --counts": "labels list --gallery g --counts",
    "labels errors": "labels errors --gallery g --by structure -k 2 --source csv",
    "organize": "organize --gallery g --to sorted --move --yes",
    "export": "export vectors --gallery g --by structure --out exported.csv",
    "match": "match exported.csv --gallery g --by structure",
    "undo --list": "undo --list",
    "undo": "undo",
    "labels forget": "labels forget csv --gallery g",
    "tune --forget": "tune --gallery g --forget",
    "faces compare": "faces compare people/1/0.png people/1/1.png --by portraits",
    "faces evaluate": "faces evaluate people --by portraits",
    "faces group": "faces group --gallery faces",
    "faces list": "faces list --gallery faces",
    "faces search": "faces search people/1/0.png --gallery faces",
    "faces name": "faces name 1 Ada --gallery faces",
    "faces forget": "faces forget Ada --gallery faces --yes",
    "evaluate": "evaluate photos --by structure --queries 2",
    "models list": "models list",
    "models show": "models show flowers",
    "models verify": "models verify flowers",
    "models remove": "models remove flowers",
    "info": "info --gallery g",
    "check": "check --gallery g",
    "backup": "backup saved --gallery g",
    "migrate": "migrate g moved",
    "roots list": "roots list --gallery g",
    "roots move": "roots move photos elsewhere --gallery g --force",
    "roots forget": "roots forget elsewhere --gallery g --force",
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Row of the page -> the keys of the one object that its call printed."""
    folder = tmp_path_factory.mktemp("json")
    photos = folder_of(folder / "photos", 12)
    save(folder / "query.jpg", drawn(1, 320, 240))
    labels = [f"photos/{n:04}.jpg,{('rose', 'tulip')[n % 2]}" for n in range(12)]
    items = "".join(f"{n},photos/{n:04}.jpg\n" for n in range(12))
    (folder / "items.csv").write_text("id,file\n" + items)
    here("index", "--catalogue", folder / "items.csv", "--gallery", folder / "shop", "--descriptors", "structure")
    (folder / "labels.csv").write_text("\n".join(["path,label", *labels]))
    install(folder / "models", "flowers", with_logits(means()), labelled_card("flowers"))
    install_portraits(folder / "models")
    for who, number in np.ndindex(3, 3):
        save(folder / "people" / str(who) / f"{number}.png", drawn_portrait({(1, 1): drawn_face(who, number)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(photos.parent)
        patch.setenv("LOOKALIKE_MODELS", str(folder / "models"))
        here("index", "people", "--gallery", "faces", "--descriptors", "portraits")
        here("index", "photos", "--gallery", "words", "--descriptors", "content")
        return {row: list(here(*call.split(), "--json").json) for row, call in CALLS.items()}


@pytest.mark.parametrize("row", CALLS)
def test_the_keys_are_those_that_are_printed(row: str, printed: dict[str, list[str]]) -> None:
    """One object; the page names each of its keys, or, where it says "and more", keys that are there."""
    assert set(KEYS[row]) <= set(printed[row])
    assert row in OPEN or set(KEYS[row]) == set(printed[row])


def test_what_takes_long_is_told_by_its_type() -> None:
    """`tune` prints the fields of a TuneReport, a WeightReport or a TextTuneReport."""
    assert KEYS["tune"] == fields(TuneReport)
    assert KEYS["tune --clicks"] == fields(WeightReport)
    assert KEYS["tune --labels"] == fields(TextTuneReport)


def test_the_page_has_every_call() -> None:
    """No row of the table is untested but those that train, fit curves, need a network of their own to add, or do
    not end by themselves."""
    assert set(KEYS) - set(CALLS) == {
        "tune", "tune --clicks", "tune --labels", "calibrate", "models add", "models import", "train copy",
        "train recipe", "train classifier", "demo", "watch",
    }  # fmt: skip

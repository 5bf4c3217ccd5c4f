"""`duplicates --delete --yes` on a mixed folder with planted copies, hard negatives and litter; then `undo`.

Photographs, receipts, memes, product packs, rooms, frames of fixed cameras and icons lie together, as DATA/hard and the
development sets hold them. Of some photographs a copy is planted: the same bytes, saved again, resized, as PNG or WebP;
of others one that is edited and must stay. Beside them lie a trash, a NAS's thumbnails and sidecars. What goes must be
a copy of something that stays: planted, or with the verdict "copy" in false_copies.csv.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image as Pillow

from benchmarks.copies import drawn_from, encoded
from benchmarks.false_copies import Verdicts, is_copy, verdicts
from benchmarks.harness import SEED, Options, run, table
from lookalike.imaging import load
from lookalike.imaging.manipulations import apply

TITLE = "Clearing a mixed folder: what goes, and what comes back"
HARD = 120  # of each kind of hard negatives
PLANTED = 30  # of each way
SAME: Mapping[str, tuple[str, str]] = {  # what must go: way -> (edit, suffix)
    "same bytes": ("", ""),
    "quality 50": ("jpeg-50", ".png"),
    "half the size": ("resize-50", ".jpg"),
    "as PNG": ("", ".png"),
    "as WebP": ("webp-50", ".png"),
}
EDITED = ("grey", "sticker", "crop-80", "blur", "mirror")  # what must stay, as it is not cleared by default


def measure(options: Options) -> str:
    with tempfile.TemporaryDirectory(prefix="lookalike-clearing-") as place:
        library, home = Path(place) / "library", Path(place) / "home"
        planted = _build(library, options)
        before = _content(library)
        cleared = json.loads(_lookalike(home, "duplicates", library, "--delete", "--yes", "--json"))
        after = _content(library)
        gone = sorted(set(before) - set(after))
        pairs = [pair for group in cleared["groups"] for pair in group["pairs"]]
        kept = {_below(library, pair["b"]): _below(library, pair["a"]) for pair in pairs}
        known = verdicts()
        wrong = [
            path
            for path in gone
            if before[path] != before.get(kept.get(path, "")) and not _is_right(path, kept.get(path), planted, known)
        ]
        must_go = [copy for copy, (_, way) in planted.items() if way in SAME]
        found = sum(copy in gone or planted[copy][0] in gone for copy in must_go)
        _lookalike(home, "undo")
        back = _content(library)
    rows = [
        ("files", f"{len(before):,}"),
        ("planted copies that should go", len(must_go)),
        ("of these pairs one went", found),
        ("went in all", len(gone)),
        ("of these no copies", len(wrong)),
        ("edited copies that went", sum(way in EDITED for copy, (_, way) in planted.items() if copy in gone)),
        ("not as before after undo", len(set(before.items()) ^ set(back.items()))),
    ]  # fmt: skip
    return "\n\n".join([table(("", ""), rows), *(f"No copy: {path} of {kept.get(path)}" for path in wrong)])


def _build(library: Path, options: Options) -> dict[str, tuple[str, str]]:
    """The folder; planted copy -> (its original, the way)."""
    photographs = drawn_from(options.photographs("library"), options.size(750, 30))
    files = {f"photos/{number:04}{file.suffix.lower()}": file for number, file in enumerate(photographs)}
    for folder in sorted((options.data / "hard").glob("*")):
        some = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png", ".jpeg"))
        files |= {f"{folder.name}/{file.relative_to(folder)}": file for file in some[: options.size(HARD, 4)]}
    for name, file in files.items():
        target = library / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    planted = {}
    names = [name for name in files if name.startswith("photos/")]
    ways = [*SAME, *EDITED]
    each = options.size(PLANTED, 1)
    for number, name in enumerate(names[: each * len(ways)]):
        way = ways[number % len(ways)]
        copy = _plant(library, name, way, number)
        planted[copy] = (name, way)
    _litter(library, names)
    return planted


def _plant(library: Path, name: str, way: str, number: int) -> str:
    source = library / name
    edit, suffix = SAME.get(way, (way, ".jpg"))
    copy = f"incoming/{number:04} {way}{suffix or source.suffix}"
    (library / "incoming").mkdir(exist_ok=True)
    if not edit and not suffix:
        shutil.copy(source, library / copy)
        return copy
    pixels = load(source).pixels
    if edit:
        pixels = apply(edit, pixels, SEED + number)
    (library / copy).write_bytes(encoded(pixels, as_jpeg=suffix == ".jpg"))
    if number % 3 == 0:
        (library / copy).with_suffix(".xmp").write_text("<x/>")
    return copy


def _litter(library: Path, names: Sequence[str]) -> None:
    for name in names[:10]:
        with Pillow.open(library / name) as image:
            small = image.convert("RGB")
            small.thumbnail((320, 320))
        folder = library / "photos" / "@eaDir" / Path(name).name
        folder.mkdir(parents=True, exist_ok=True)
        small.save(folder / "SYNOPHOTO_THUMB_M.jpg")
        (library / "photos" / f"._{Path(name).name}").write_bytes(b"\0\5\x16\7" + bytes(4000))
    trash = library / ".Trash-1000" / "files"
    trash.mkdir(parents=True)
    shutil.copy(library / names[0], trash / "old.jpg")


def _content(library: Path) -> dict[str, str]:
    """Relative path -> sha256, of all files."""
    return {
        str(path.relative_to(library)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in library.rglob("*")
        if path.is_file()
    }


def _lookalike(home: Path, *arguments: str | Path) -> str:
    home.mkdir(exist_ok=True)
    env = os.environ | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_STATE_HOME": str(home / "state")}
    done = subprocess.run(
        [sys.executable, "-m", "lookalike", *map(str, arguments)], env=env, capture_output=True, text=True
    )
    if done.returncode > 1:
        raise SystemExit(done.stderr)
    return done.stdout


def _below(library: Path, path: str) -> str:
    return str(Path(path).relative_to(library))


def _is_right(path: str, kept: str | None, planted: Mapping[str, tuple[str, str]], known: Verdicts) -> bool:
    """Whether what went is planted, or the original of what was planted, a sidecar, or has the verdict of a copy."""
    if path.endswith(".xmp") or path in planted or path in {original for original, _ in planted.values()}:
        return True
    if kept is None:
        return False
    a, b = sorted(name.partition("/")[2] for name in (path, kept))
    return is_copy(path.partition("/")[0], a, b, known)


if __name__ == "__main__":
    run(TITLE, measure)

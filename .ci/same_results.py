"""Do two revisions give the same results? python .ci/same_results.py OLD [NEW]

Both describe, compare, index, search, find duplicates and evaluate the demo's photographs (needs `make demo` once); the
JSON of each command is compared, numbers to 1 in a million. RENAMED has the keys and values that were renamed between
the two. What differs is printed, and the exit code is 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TOLERANCE = 1e-6
RENAMED = {
    "allowed": "allowed_false_matches",
    "cleared": "removed",
    "decisions": "verdicts",
    "false_share": "false_match_rate",
    "foreign": "distractors",
    "inside another picture": "inside another image",
    "keeps": "retention",
    "picture": "image",
    "picture_bytes": "image_bytes",
    "pictures": "images",
    "pulls": "feedback_contributions",
    "quality": "contrast",
    "turn": "orientation",
    "wrong": "negative_pairs",
}
LISTS = ("queries", "comparisons")  # one object with a list, where an earlier revision printed the list alone
UNEQUAL = ("disk_bytes", "evidence", "regions")  # a size; evidence, whose sum is ``odds``; what was added to each image


def commands(photos: list[str], copies: list[str], gallery: str) -> Iterator[list[str]]:
    """What is asked of each revision, in this order."""
    for by in ("colour", "texture", "structure", "pdq", "copy", "content"):
        yield ["describe", *photos, "--by", by]
    yield from (["compare", photo, copy] for photo in photos[::7] for copy in copies[::5])
    yield ["index", *photos, *copies, "-g", gallery]
    for query in copies[::9]:
        yield ["search", query, "-g", gallery]
        yield ["search", query, "-g", gallery, "--by", "blend"]
        yield ["search", query, "-g", gallery, "--by", "content", "--views"]
    yield ["duplicates", "-g", gallery]
    yield ["index", "-g", gallery, "--with", "regions"]
    yield ["search", copies[-3], "-g", gallery, "--by", "regions"]
    yield ["search", copies[-7], "-g", gallery]
    yield ["info", "-g", gallery]
    yield ["evaluate", str(Path(photos[0]).parent), "--by", "copy,structure", "--queries", "3"]


def results(revision: str, folder: Path) -> list[tuple[str, Any]]:
    """Each command and its JSON, by a revision that is checked out for the purpose."""
    tree = folder / "tree"
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree), revision], cwd=ROOT, check=True)
    try:
        env = os.environ | {"PYTHONPATH": str(tree / "src")}
        photos, copies = (sorted(map(str, (ROOT / "demo" / name).iterdir())) for name in ("photos", "copies"))
        return [_asked(one, env) for one in commands(photos, copies, str(folder / "g.gallery"))]
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def _asked(command: list[str], env: dict[str, str]) -> tuple[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "lookalike", *command, "--json"], env=env, capture_output=True, check=False
    )
    return " ".join(command[:2]), [json.loads(line) for line in ran.stdout.splitlines()]


def plain(value: Any) -> Any:
    """The same in today's words, without the folder of the run, and lists without the object around them."""
    if isinstance(value, dict):
        inner = next((value[name] for name in LISTS if isinstance(value.get(name), list)), None)
        if inner is not None:
            return [plain(hit) for one in inner for hit in one.get("hits", [one])]
        if "descriptor" in value and isinstance(value.get("images"), list):
            shared = {key: value[key] for key in ("descriptor", "fingerprint")}
            return [plain(shared | one) for one in value["images"]]
        return {RENAMED.get(key, key): plain(item) for key, item in value.items() if key not in UNEQUAL}
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return [part for item in items for part in (item if isinstance(item, list) else [item])]
    return RENAMED.get(value, value) if isinstance(value, str) else value


def differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Where the two differ. A key that only the new one has is no difference: it may tell more."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old:
            yield from differences(old[key], new.get(key), f"{at}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f"{at}[{place}]")
    elif isinstance(old, float) and isinstance(new, int | float):
        if abs(old - new) > TOLERANCE * max(1.0, abs(old)):
            yield f"{at}: {old} became {new}"
    elif old != new and not str(old).startswith(tempfile.gettempdir()):
        yield f"{at}: {str(old)[:60]!r} became {str(new)[:60]!r}"


if __name__ == "__main__":
    revisions = [*sys.argv[1:], "HEAD"][:2]
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        both = [results(*one) for one in zip(revisions, (Path(first), Path(second)), strict=True)]
    found = [
        f"{command}{line}"
        for (command, old), (_, new) in zip(*both, strict=True)
        for line in differences(plain(old), plain(new))
    ]
    print("\n".join(found) or f"{len(both[0])} commands, the same results")
    sys.exit(bool(found))

"""Training hands over files: nothing else in Lookalike needs torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from samples import folder_of


def test_no_verb_but_train_needs_torch(tmp_path: Path) -> None:
    """Where torch cannot be imported, and nothing of training is, images are indexed, searched, compared and
    described with every descriptor, the networks among them; and the library's own calls work."""
    photos = folder_of(tmp_path / "photos", 3)
    script = f"""
import sys
for name in ("torch", "onnx", "onnxscript", "lookalike.training"):
    sys.modules[name] = None
import lookalike as la
from lookalike.cli import _run
from lookalike.descriptors import names
first, second, gallery = {str(photos / "0000.jpg")!r}, {str(photos / "0001.jpg")!r}, {str(tmp_path / "g")!r}
assert {{"copy", "content"}} <= set(names())
calls = [["index", {str(photos)!r}, "-g", gallery, "--json"], ["search", first, "-g", gallery, "--json"]]
calls += [["describe", first, "--by", name, "--json"] for name in names()]
calls += [["compare", first, second, "--json"], ["duplicates", "-g", gallery, "--json"], ["models", "verify"]]
calls += [["train", "--help"], ["info", "-g", gallery]]
for call in calls:
    assert _run(call) == 0, call
assert la.describe([first], "copy").shape[0] == 1
assert sys.modules["torch"] is None
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

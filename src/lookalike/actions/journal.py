"""What is done to files, written to the disk before it is done: from it `lookalike undo` brings everything back.

An action is one file, ``<state folder>/journal/<id>.jsonl``: a line about the action, then one line per image. Each is
on the disk before its file is touched, so that a killed process leaves nothing that is not written down; what became of
an image is then seen from the disk itself. A last line says that the action was undone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from lookalike.actions.safe_files import to_disk
from lookalike.errors import UserError
from lookalike.paths import state_folder
from lookalike.types import Label, to_json

Kind = Literal["moved", "trashed", "linked"]


@dataclass(frozen=True, slots=True)
class FileMove:
    """One file of an entry. ``place``: where it lies now, None where the system's trash does not say, or for a link.
    ``sha256``, ``bytes``: of what lay at ``source``."""

    source: str
    place: str | None
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """An XMP sidecar that was written. ``before``: its text then, None if there was none; ``sha256``: of the new."""

    path: str
    before: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One image that is cleared in favour of ``keep``: its ``files`` (itself first, then its sidecars) and the
    ``labels`` that the gallery had for it; ``metadata``: what was merged into the kept one's sidecar."""

    kind: Kind
    keep: str
    files: tuple[FileMove, ...]
    labels: tuple[Label, ...] = ()
    metadata: MetadataChange | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A whole action as the journal has it. ``gallery``: the folder of the gallery that it was about, which may be gone
    by now. ``undone``: when it was undone, or ""."""

    id: str
    kind: Kind
    time: str
    gallery: str
    entries: tuple[Entry, ...] = field(default=())
    undone: str = ""

    @property
    def total_bytes(self) -> int:
        """Of all files together."""
        return sum(file.bytes for entry in self.entries for file in entry.files)


def journal_folder() -> Path:
    """The folder of all actions of this user."""
    return Path(state_folder()) / "journal"


class Journal:
    """Writes one action; use it in a ``with`` statement. Raises UserError where nothing can be written: what is not
    written down is not done."""

    def __init__(self, kind: Kind, gallery: str) -> None:
        now = datetime.now()
        self.id = f"{now:%Y%m%d-%H%M%S-%f}"
        path = journal_folder() / f"{self.id}.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._stream = path.open("x", encoding="ascii")
            self._write({"id": self.id, "kind": kind, "time": f"{now:%Y-%m-%d %H:%M:%S}", "gallery": gallery})
            _folder_to_disk(path.parent)
        except OSError as error:
            raise UserError(f"{path}: no journal can be written, so nothing is done: {error.strerror}") from error

    def write(self, entry: Entry) -> None:
        """On the disk when this returns. Raises OSError."""
        self._write(to_json(entry))

    def _write(self, value: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(value) + "\n")
        self._stream.flush()
        to_disk(self._stream.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def actions() -> list[Action]:
    """Every action in the journal, the last one first."""
    found = sorted(journal_folder().glob("*.jsonl"), reverse=True)
    return [action for action in map(_read, found) if action is not None]


def mark_undone(action: Action) -> None:
    """Note that an action was undone."""
    with (journal_folder() / f"{action.id}.jsonl").open("a", encoding="ascii") as stream:
        stream.write("\n" + json.dumps({"undone": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}) + "\n")
        stream.flush()
        to_disk(stream.fileno())


def _read(path: Path) -> Action | None:
    """An action, or None for a file that holds none (yet)."""
    lines = list(_values(path.read_text("ascii", "replace").splitlines()))
    if not lines or "id" not in lines[0]:
        return None
    head, rest = lines[0], lines[1:]
    undone = next((line["undone"] for line in reversed(rest) if "undone" in line), "")
    entries = tuple(_entry(line) for line in rest if "files" in line)
    return Action(head["id"], head["kind"], head["time"], head["gallery"], entries, undone)


def _values(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The lines that are whole: one that was cut short when the process was killed was not acted on."""
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _entry(line: Mapping[str, Any]) -> Entry:
    change = line["metadata"]
    return Entry(
        line["kind"],
        line["keep"],
        tuple(FileMove(**one) for one in line["files"]),
        tuple(Label(**one) for one in line["labels"]),
        MetadataChange(**change) if change else None,
    )


def _folder_to_disk(folder: Path) -> None:
    """The names in this folder are on the disk; Windows cannot open a folder, and needs not."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            to_disk(descriptor)
        finally:
            os.close(descriptor)

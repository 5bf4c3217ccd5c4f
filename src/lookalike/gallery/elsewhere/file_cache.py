"""Files that were fetched from elsewhere, kept for a time: what was looked at is often looked at again.

Each lies under a hash of its path in the user's cache folder. Beyond the budget those go that were not used for
longest. The folder can be deleted at any time.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from lookalike.errors import UserError
from lookalike.paths import cache_folder

VARIABLE = "LOOKALIKE_FILE_CACHE"  # bytes
BUDGET = 1_000_000_000  # bytes, if nothing is said
LARGEST = 0.25  # of the budget: a larger file is not kept


class FileCache:
    """Several processes may use one folder."""

    def __init__(self, folder: Path, budget: int) -> None:
        self._folder, self._budget = folder, budget

    @classmethod
    def of_user(cls) -> FileCache:
        """The one of this user. Raises UserError for a budget that is no number."""
        text = os.environ.get(VARIABLE, str(BUDGET))
        if not text.isdecimal():
            raise UserError(f"{VARIABLE} is how many bytes of files are kept, such as {BUDGET}, not {text!r}")
        return cls(Path(cache_folder()) / "files", int(text))

    def get(self, path: str) -> bytes | None:
        """What was fetched from there last, if it is kept."""
        file = self._file(path)
        try:
            data = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        return data

    def put(self, path: str, data: bytes) -> None:
        """Keep it, where there is room and the disk lets us."""
        if len(data) > LARGEST * self._budget:
            return
        file = self._file(path)
        draft = file.with_suffix(f".{os.getpid()}.draft")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(file)
            self._keep_budget()

    def _keep_budget(self) -> None:
        with os.scandir(self._folder) as found:
            files = sorted((one.stat().st_mtime_ns, one.stat().st_size, one.path) for one in found if one.is_file())
        over = sum(size for _, size, _ in files) - self._budget
        for _, size, path in files:
            if over <= 0:
                return
            with suppress(FileNotFoundError):
                os.unlink(path)
            over -= size

    def _file(self, path: str) -> Path:
        return self._folder / blake2b(os.fsencode(path), digest_size=20).hexdigest()

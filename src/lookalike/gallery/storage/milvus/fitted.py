"""What persons said of pairs, and what was fitted to a gallery, on Milvus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple

from lookalike.comparison.calibration import Calibration
from lookalike.gallery.storage.base import Tuning
from lookalike.gallery.storage.milvus.records import Records, digest, json_of
from lookalike.types import Verdict


class Fitted:
    """Records of verdicts, calibrations and tunings: few enough to be kept in memory."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def add_verdicts(self, pairs: Iterable[tuple[str, str]], verdict: Verdict) -> None:
        """As in the contract."""
        for a, b in map(sorted, pairs):
            self._records.put(_pair(a, b), json.dumps([a, b, verdict]))

    def remove_verdicts(self, pairs: Iterable[tuple[str, str]]) -> int:
        """As in the contract."""
        held = self._records.small("verdict")
        gone = {key for pair in pairs if (key := _pair(*sorted(pair))) in held}
        self._records.delete(gone)
        return len(gone)

    def verdicts(self) -> list[tuple[str, str, Verdict]]:
        """As in the contract."""
        return sorted((a, b, verdict) for a, b, verdict in map(json_of, self._records.small("verdict").values()))

    def different(self) -> set[tuple[str, str]]:
        """As in the contract."""
        return {(a, b) for a, b, verdict in self.verdicts() if verdict == "different"}

    def calibrations(self) -> dict[str, Calibration]:
        """As in the contract."""
        found = sorted(map(json_of, self._records.small("calibration").values()))
        return {name: Calibration(*curve) for name, curve in found}

    def put_calibrations(self, curves: Mapping[str, Calibration]) -> None:
        """As in the contract."""
        self._records.delete(self._records.small("calibration"))
        for name, curve in curves.items():
            self._records.put(f"calibration/{digest(name)}", json.dumps([name, astuple(curve)]))

    def tunings(self) -> dict[str, Tuning]:
        """As in the contract."""
        found = sorted(map(json_of, self._records.small("tuning").values()), key=lambda said: str(said[0]))
        return {name: Tuning(Calibration(*curve), weights) for name, curve, weights in found}

    def put_tuning(self, name: str, tuning: Tuning) -> None:
        """As in the contract."""
        said = [name, astuple(tuning.curve), dict(tuning.weights)]
        self._records.put(f"tuning/{digest(name)}", json.dumps(said))

    def forget_tunings(self, name: str | None = None) -> int:
        """As in the contract."""
        held = self._records.small("tuning")
        gone = [key for key, one in held.items() if name in (None, json_of(one)[0])]
        self._records.delete(gone)
        return len(gone)


def _pair(a: str, b: str) -> str:
    return f"verdict/{digest(a, b)}"

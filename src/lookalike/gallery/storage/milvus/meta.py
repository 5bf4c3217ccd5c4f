"""Single facts of a gallery, by name, each any JSON."""

from __future__ import annotations

import json
from typing import Any

from lookalike.gallery.storage.milvus.records import Records, json_of


class Meta:
    """Over the gallery's records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self, key: str, default: Any) -> Any:
        """What is kept by this name."""
        found = self._records.small("meta").get(f"meta/{key}")
        return default if found is None else json_of(found)

    def put(self, key: str, value: Any) -> None:
        """Within a transaction: keep this from now on."""
        self._records.put(f"meta/{key}", json.dumps(value))

    def count(self, key: str) -> None:
        """Within a transaction: one more."""
        self.put(key, self.get(key, 0) + 1)

"""The gallery's descriptors on Milvus: which ones it holds, in which version, and which of them are being made anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import GalleryVersion
from lookalike.gallery.storage.milvus.meta import Meta
from lookalike.gallery.storage.milvus.records import Records, json_of
from lookalike.gallery.storage.milvus.session import Session

_OF_A_VERSION = ("region", "object", "face", "frames")


class Descriptors:
    """Records ``descriptor/<number>``: a version that takes the place of another gets a new number, and its place."""

    def __init__(self, session: Session, records: Records, meta: Meta) -> None:
        self._session, self._records, self._meta = session, records, meta
        self._opened: dict[str, int] = {}
        self._opened = {said["name"]: said["number"] for said in self._held()}

    def _held(self) -> list[dict[str, Any]]:
        held = [json_of(one) for one in self._records.small("descriptor").values()]
        return sorted(held, key=lambda said: said["place"])

    def fingerprints(self) -> dict[str, str]:
        """As in the contract."""
        return {said["name"]: said["fingerprint"] for said in self._held()}

    def regions(self) -> dict[str, str]:
        """Those that give regions: name -> fingerprint."""
        return {said["name"]: said["fingerprint"] for said in self._held() if said["classes"] is not None}

    def numbers(self) -> dict[int, bool]:
        """Number -> whether the vectors are bits, of those that have vectors of whole images."""
        return {said["number"]: self._bits(said) for said in self._held() if said["classes"] is None}

    def widths(self) -> dict[int, int]:
        """Number -> bytes of one of its vectors on the server, of the same ones."""
        cards = {said["number"]: said["card"] for said in self._held() if said["classes"] is None}
        return {
            number: card["dim"] // 8 if card["metric"] == "hamming" else 4 * card["dim"]
            for number, card in cards.items()
        }

    def number(self, name: str) -> int:
        """Of the version that was there when the gallery was opened. Raises GalleryVersion if another one has taken its
        place since: its vectors are none that this process could compare with."""
        held = {said["name"]: said["number"] for said in self._held()}
        number = self._opened.setdefault(name, held.get(name, 0))
        if held.get(name) != number:
            raise GalleryVersion(
                f"{self._session.server.where.shown}: meanwhile another process holds its {name!r} vectors in another "
                "version; open the gallery again (a service: start it again)"
            )
        return number

    def is_bits(self, number: int) -> bool:
        """Whether these vectors are bits."""
        return next(self._bits(said) for said in self._held() if said["number"] == number)

    @staticmethod
    def _bits(said: Mapping[str, Any]) -> bool:
        return bool(said["card"]["metric"] == "hamming")

    def unfinished(self) -> list[str]:
        """As in the contract."""
        found = self._meta.get("unfinished", [])
        return [name for name in self.fingerprints() if name in found]

    def backfills(self, name: str) -> int:
        """As in the contract."""
        return int(self._meta.get(f"backfills {name}", 0))

    # --- writing; call within a transaction

    def put(self, card: DescriptorCard) -> None:
        """As in the contract."""
        self._insert(card, None)

    def _insert(self, card: DescriptorCard, place: int | None) -> None:
        number = self._session.next_number()
        said = {
            "number": number, "place": place or number, "name": card.name, "fingerprint": card.fingerprint,
            "card": asdict(card), "classes": None,
        }  # fmt: skip
        self._records.put(f"descriptor/{number}", json.dumps(said), seq=number)
        self._opened[card.name] = number

    def replace(self, card: DescriptorCard) -> None:
        """As in the contract. The number is new, so that a process that has the earlier version open reads none of the
        new vectors and can write none of its own."""
        old = next(said for said in self._held() if said["name"] == card.name)
        self._records.delete([f"descriptor/{old['number']}"])
        self._records.delete_all(_OF_A_VERSION, owner=str(old["number"]))
        buffer = self._session.writing()
        buffer.vectors.pop(old["number"], None)
        buffer.dropped.append(old["number"])
        self._insert(card, old["place"])
        self._meta.put("unfinished", sorted({*self._meta.get("unfinished", []), card.name}))
        self.count_backfill(card.name)

    def set_finished(self, names: Sequence[str]) -> None:
        """As in the contract."""
        self._meta.put("unfinished", sorted({*self._meta.get("unfinished", [])} - set(names)))

    def mark(self, classes: Mapping[str, Iterable[str]]) -> None:
        """These give regions, of these classes."""
        for said in self._held():
            if said["name"] in classes:
                marked = {**said, "classes": list(classes[said["name"]])}
                self._records.put(f"descriptor/{said['number']}", json.dumps(marked), seq=said["number"])

    def count_backfill(self, name: str) -> None:
        """An index that holds vectors of this descriptor begins anew."""
        self._meta.count(f"backfills {name}")

"""The verbs of a gallery about certainty: verdicts of a person, and what is fitted to the gallery's own images."""

from __future__ import annotations

from collections.abc import Iterable

from lookalike.descriptors.fusion import BLEND
from lookalike.gallery.calibration.calibrate import fit_calibrations
from lookalike.gallery.calibration.scoring import gallery_curves
from lookalike.gallery.calibration.text_calibration import fit_texts
from lookalike.gallery.calibration.tune import PRECISION, annotations_from_csv, annotations_from_verdicts, fit_tuning
from lookalike.gallery.library import Library
from lookalike.paths import PathLike
from lookalike.types import Progress, TextTuneReport, TuneReport, Verdict


class CalibrationVerbs:
    """What ``Gallery`` says about certainty."""

    _library: Library

    def calibrate(self, progress: Progress | None = None) -> dict[str, str]:
        """Fit probabilities to this gallery: on edits of a sample of its images and on negatives among them.

        From then on ``search`` and ``duplicates`` go by these curves. Takes about a minute. Returns what each curve was
        fitted on, or that the shipped one is as good. Raises UserError for a gallery with too few images that can be
        read."""
        store = self._library.store
        store.privacy.need_paths("fitting probabilities")
        curves = fit_calibrations(store, self._library.cards, progress)
        with store.transaction():
            store.put_calibrations(curves)
        return {name: curve.origin for name, curve in curves.items()}

    def forget_calibration(self) -> int:
        """Go back to the curves that come with the package; returns how many were fitted to this gallery."""
        store = self._library.store
        with store.transaction():
            count = len(store.calibrations())
            store.put_calibrations({})
        return count

    @property
    def is_calibrated(self) -> bool:
        """Whether probabilities were fitted to this gallery."""
        return bool(gallery_curves(self._library.store, tuned=False))

    def not_duplicates(self, pairs: Iterable[tuple[PathLike, PathLike]]) -> None:
        """Remember that the two images of each pair are not copies: no group will hold both again."""
        self.add_verdicts(pairs, "different")

    def add_verdicts(self, pairs: Iterable[tuple[PathLike, PathLike]], verdict: Verdict) -> None:
        """Remember a person's word on the two images of each pair. No group will hold "different" ones again;
        ``tune`` learns from both. Raises UserError for an image that is not held."""
        digests = self._digests(pairs)
        with self._library.store.transaction():
            self._library.store.add_verdicts(digests, verdict)

    def remove_verdicts(self, pairs: Iterable[tuple[PathLike, PathLike]]) -> int:
        """Take a person's word on these pairs back; returns on how many there was one."""
        digests = self._digests(pairs)
        with self._library.store.transaction():
            return self._library.store.remove_verdicts(digests)

    def verdicts(self) -> list[tuple[str, str, Verdict]]:
        """What persons have said: the sha256 of the two images, the smaller first, and the verdict."""
        return self._library.store.verdicts()

    def tune(
        self, pairs: PathLike | None = None, *, by: str = BLEND, precision: float = PRECISION, keep: bool = True
    ) -> TuneReport:
        """Fit the weights of the blend, or the probability of a descriptor, to annotated pairs, and ``keep`` it if it
        helped: ``search`` and ``duplicates`` go by it from then on. No vector changes.

        ``pairs``: a CSV file with the columns a, b (paths, or file names) and verdict (same or different); by default
        what ``add_verdicts`` has recorded. Raises UserError for fewer than 20 usable pairs, or 5 of either verdict."""
        store = self._library.store
        annotations = annotations_from_verdicts(store) if pairs is None else annotations_from_csv(store, pairs)
        return fit_tuning(store, self._library.cards, by, annotations, precision, keep)

    def tune_texts(self, by: str | None = None) -> TextTuneReport:
        """Fit, to a person's labels (``label_from_csv``, ``label_from_folders``), how probably an image shows a text by
        the network ``by``, by default the first that reads texts, and keep it if it helped: ``search_text``,
        ``suggest_labels`` and ``shows()`` in filters go by it from then on. Raises UserError for fewer than 20 images
        or 3 labels, or a network that cannot tell them apart."""
        return fit_texts(self._library, by)

    def forget_tuning(self, by: str | None = None) -> int:
        """Go back to what was before ``tune``, for one measure or for all; returns for how many."""
        with self._library.store.transaction():
            return self._library.store.forget_tunings(by)

    def _digests(self, pairs: Iterable[tuple[PathLike, PathLike]]) -> list[tuple[str, str]]:
        return [(self._library.row(a).sha256, self._library.row(b).sha256) for a, b in pairs]

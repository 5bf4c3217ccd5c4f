"""The verb of a gallery that holds a data set: its report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lookalike.gallery.audit.audit import AuditOptions, ProgressOf, audit_data_set, check_alone
from lookalike.gallery.audit.findings import Audit
from lookalike.gallery.library import Library
from lookalike.paths import PathLike
from lookalike.types import Progress


@contextmanager
def _silent(_what: str) -> Iterator[Progress]:
    yield lambda *_: None


class AuditVerbs:
    """What ``Gallery`` says about a data set."""

    _library: Library

    def audit(
        self,
        root: PathLike,
        against: PathLike | None = None,
        *,
        labels: PathLike | None = None,
        precision: float = 0.99,
        progress: ProgressOf = _silent,
    ) -> Audit:
        """What is wrong with the data set below ``root``, of which this gallery holds the images and no others: copies
        in several splits, copies within one, outliers, blank, dark, blurred and damaged images, odd sizes and shapes,
        class balance, and labels that are likely wrong.

        Splits are folders called train, val or test; with ``against``, another folder is one as well. A class is a
        folder, or what the CSV file ``labels`` says (columns path and label). ``precision``: as in ``duplicates``.
        ``progress``: what is being done -> a context manager that gives a function (done, total). Every file is read
        once more. Raises UserError if the gallery holds other images, or paths are not kept."""
        self._library.store.privacy.need_paths("an audit")
        return audit_data_set(self._library, AuditOptions(root, against, labels, precision), progress)

    def need_data_set(self, root: PathLike, against: PathLike | None = None) -> None:
        """Raises UserError if this gallery holds images elsewhere than below these folders, which ``audit`` refuses."""
        check_alone(self._library, root, against)

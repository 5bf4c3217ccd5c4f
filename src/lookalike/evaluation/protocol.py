"""Which protocol fits a folder, why, and whether what came of it is better than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lookalike.evaluation.class_protocol import ClassReport, class_of
from lookalike.evaluation.copy_protocol import CopyReport
from lookalike.imaging.manipulations import EDITS

Protocol = Literal["copies", "classes"]
DEVIATIONS = 2.0  # standard deviations above chance from which a recall is better than chance


@dataclass(frozen=True, slots=True)
class ProtocolChoice:
    """``reason``: in a few words, why this protocol; ``alternative``: the other one."""

    protocol: Protocol
    reason: str

    @property
    def alternative(self) -> Protocol:
        return "classes" if self.protocol == "copies" else "copies"


def choose_protocol(folder: str, files: Sequence[str], requested: Protocol | None = None) -> ProtocolChoice:
    """What is requested; else classes if two sub-folders or more hold images, else copies."""
    if requested:
        return ProtocolChoice(requested, "as requested")
    classes = {class_of(folder, file) for file in files} - {None}
    if len(classes) >= 2:
        return ProtocolChoice("classes", f"{len(classes):,} sub-folders are taken as classes")
    return ProtocolChoice("copies", "there are no two sub-folders with images to be taken as classes")


def at_chance(report: CopyReport | ClassReport) -> tuple[str, ...]:
    """The descriptors whose nearest image is relevant no more often than a random one would be, within DEVIATIONS
    standard deviations of the binomial distribution."""
    if isinstance(report, CopyReport):
        chance, queries = 1 / report.library, report.queries * len(EDITS)
    else:
        chance, queries = report.chance.recall_at_1, report.queries
    margin = DEVIATIONS * (chance * (1 - chance) / queries) ** 0.5
    return tuple(one.by for one in report.scores if one.recall_at_1 <= chance + margin)

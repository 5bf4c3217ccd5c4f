"""How well descriptors do on a folder of one's own: edited copies, or classes; see docs/how-to/evaluate.md."""

from lookalike.evaluation.class_protocol import ClassReport, ClassScore, FewLabels, class_of, evaluate_classes
from lookalike.evaluation.copy_protocol import QUERIES, CopyReport, CopyScore, evaluate_copies
from lookalike.evaluation.protocol import Protocol, ProtocolChoice, at_chance, choose_protocol

__all__ = [
    "QUERIES",
    "ClassReport",
    "ClassScore",
    "CopyReport",
    "CopyScore",
    "FewLabels",
    "Protocol",
    "ProtocolChoice",
    "at_chance",
    "choose_protocol",
    "class_of",
    "evaluate_classes",
    "evaluate_copies",
]

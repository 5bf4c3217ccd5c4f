"""SURFACE: one self-contained HTML page that shows comparisons, searches and duplicates to a person."""

from lookalike.report.html_report import (
    GroupView,
    Image,
    LabelErrorView,
    PairView,
    SearchView,
    Summary,
    VideoPairView,
    write_report,
)
from lookalike.report.thumbnails import thumbnail

__all__ = [
    "GroupView",
    "Image",
    "LabelErrorView",
    "PairView",
    "SearchView",
    "Summary",
    "VideoPairView",
    "thumbnail",
    "write_report",
]

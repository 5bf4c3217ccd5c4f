"""lookalike video compare A B"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookalike.cli.output import json_option, print_json, progress_bar, shown
from lookalike.errors import UserError
from lookalike.formatting import clock, percent
from lookalike.types import VideoComparison, VideoInfo

if TYPE_CHECKING:  # it brings Pillow along
    from lookalike.imaging.video import Video

PAGES = (".html", ".htm")


@click.group()
def command() -> None:
    """Compare videos, animations and folders of numbered frames.

    Files that are no animated images (MP4, MKV, WebM, MOV, AVI, ...) need the extra `video`.
    """


@command.command()
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--fps", type=float, help="Frames a second of a folder of numbered frames.  [default: 25]")
@click.option(
    "--report",
    type=click.Path(dir_okay=False),
    help="Also write the timeline: an HTML page, or an image (.png, .jpg, .webp).",
)
@json_option
def compare(a: str, b: str, fps: float | None, report: str | None, as_json: bool) -> int:
    """Compare two videos: which segment of A is which segment of B, at which speed, and what was done to it.

    A folder of numbered frames (frame_0001.png, ...) is a video as well; --fps says how fast it runs. --json prints
    {"a": {...}, "b": {...}, "segments": [{"a_start": ..., "a_end": ..., "b_start": ...}, ...], "probability": ...}.
    """
    from lookalike.comparison.video_pair import compare_described, describe_video

    _check(a, b, fps, report)
    sides = []
    for path in (a, b):
        with progress_bar(f"reading {os.path.basename(path)}") as progress:
            sides.append(describe_video(path, fps=fps if os.path.isdir(path) else None, progress=progress))
    comparison = compare_described(*sides)
    if report:
        _write(report, sides[0].video, sides[1].video, comparison)
    if as_json:
        print_json(comparison)
        return 0
    _print_info("A", comparison.a)
    _print_info("B", comparison.b)
    from lookalike.report.video_timeline import segment_text

    for segment in comparison.segments:
        click.echo(segment_text(segment))
    if not comparison.segments:
        click.echo(f"no segment of the one is in the other, copy with probability {percent(comparison.probability)}")
    return 0


def _check(a: str, b: str, fps: float | None, report: str | None) -> None:
    """Before there is work. Raises UserError for an option that makes no sense."""
    if fps is not None and not (os.path.isdir(a) or os.path.isdir(b)):
        raise UserError("--fps is for folders of numbered frames; a video says itself how fast it runs")
    if report is None:
        return
    if any(os.path.realpath(report) == os.path.realpath(path) for path in (a, b)):
        raise UserError(f"{report}: is one of the videos that are compared; name another file for --report")
    if Path(report).suffix.lower() not in PAGES:
        from lookalike.report.atomic_file import image_format

        image_format(report)


def _write(report: str, a: Video, b: Video, comparison: VideoComparison) -> None:
    from lookalike.report import Summary, write_report
    from lookalike.report.atomic_file import write_image
    from lookalike.report.video_timeline import draw_timeline, video_pair_view

    if Path(report).suffix.lower() in PAGES:
        write_report(report, summary=Summary("Comparison of videos"), videos=[video_pair_view(a, b, comparison)])
    else:
        write_image(report, draw_timeline(a, b, comparison))


def _print_info(letter: str, info: VideoInfo) -> None:
    click.echo(
        f"{letter}: {shown(info.path or '')}, {clock(info.duration)}, {info.width} x {info.height}, {info.codec}"
    )

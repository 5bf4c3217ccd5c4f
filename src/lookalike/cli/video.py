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
    from lookalike.comparison.video_pair import VideoInput

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
    {"a": {...}, "b": {...}, "segments": [{"a_start": ..., "a_end": ..., "b_start": ...}, ...], "probability": ...,
    "sound": [{"a_start": ..., ...}, ...], "statement": "same images, same sound"}. Sound is evidence of its own: its
    segments are found by themselves.
    """
    from lookalike.comparison.video_pair import compare_described, describe_video

    _check(a, b, fps, report)
    sides = []
    for path in (a, b):
        with progress_bar(f"reading {os.path.basename(path)}") as progress:
            sides.append(describe_video(path, fps=fps if os.path.isdir(path) else None, progress=progress))
    side_a, side_b = sides
    comparison = compare_described(side_a, side_b)
    if report:
        _write(report, side_a, side_b, comparison)
    if as_json:
        print_json(comparison)
        return 0
    _print_info("A", comparison.a)
    _print_info("B", comparison.b)
    from lookalike.report.sound_timeline import sound_text
    from lookalike.report.video_timeline import segment_text

    for segment in comparison.segments:
        click.echo(segment_text(segment))
    if not comparison.segments:
        click.echo(f"no segment of the one is in the other, copy with probability {percent(comparison.probability)}")
    for sound in comparison.sound:
        click.echo(sound_text(sound))
    for side, reason in comparison.sound_failures.items():
        click.echo(f"the sound of {side.upper()} could not be read to its end: {shown(reason)}")
    click.echo(comparison.statement)
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


def _write(report: str, a: VideoInput, b: VideoInput, comparison: VideoComparison) -> None:
    from lookalike.report import Summary, write_report
    from lookalike.report.atomic_file import write_image
    from lookalike.report.video_timeline import draw_timeline, video_pair_view

    shown = (a.video, b.video, comparison, (a.sound, b.sound))
    if Path(report).suffix.lower() in PAGES:
        write_report(report, summary=Summary("Comparison of videos"), videos=[video_pair_view(*shown)])
    else:
        write_image(report, draw_timeline(*shown))


def _print_info(letter: str, info: VideoInfo) -> None:
    click.echo(
        f"{letter}: {shown(info.path or '')}, {clock(info.duration)}, {info.width} x {info.height}, {info.codec}"
    )

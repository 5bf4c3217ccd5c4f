"""What `lookalike index` says of a gallery that it describes anew."""

from __future__ import annotations

from collections.abc import Mapping

import click

from lookalike.cli.output import print_failures, printable
from lookalike.formatting import plural
from lookalike.gallery.ingest.upgrade import UpgradeReport
from lookalike.types import AddReport


def print_upgrade(report: UpgradeReport) -> None:
    """At once, on stderr: describing may take hours and be interrupted."""
    if not report.replaced:
        return
    names = ", ".join(map(printable, report.replaced))
    click.echo(
        f"{names}: of another version, so that all images are described anew; labels, verdicts and folders stay. "
        "Interrupted, the next run goes on",
        err=True,
    )
    for what in _forgotten(report):
        click.echo(f"forgotten, for it rests on the earlier vectors: {what}", err=True)


def _forgotten(report: UpgradeReport) -> list[str]:
    """Each with the verb that makes it anew."""
    found = []
    if report.calibrations:
        found.append(f"the calibration ({', '.join(report.calibrations)}); afterwards: lookalike calibrate")
    if report.tunings:
        found.append(f"what was tuned ({', '.join(map(printable, report.tunings))}); afterwards: lookalike tune")
    for source, count in report.labels.items():
        found.append(f"{plural(count, 'label')} by {printable(source)}; afterwards: lookalike classify")
    return found


def print_described(lacking: Mapping[str, int], report: AddReport) -> None:
    """What became of the images that lacked these descriptors."""
    if lacking and (report.updated or report.failed):  # without paths, what was updated has them
        names = ", ".join(map(printable, lacking))
        click.echo(f"{names}: described anew {plural(report.updated, 'image')}, {len(report.failed):,} failed")
        print_failures(report.failed)

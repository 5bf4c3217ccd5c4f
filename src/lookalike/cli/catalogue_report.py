"""What became of a catalogue, for people."""

from __future__ import annotations

import click

from lookalike.cli.output import print_failures, printable
from lookalike.formatting import plural
from lookalike.types import CatalogueReport

ITEMS_SHOWN = 10


def print_catalogue(report: CatalogueReport) -> None:
    """The counts on stdout; on stderr, what a shop may want to mend."""
    click.echo(
        f"catalogue: {report.added:,} added, {report.updated:,} updated, {report.unchanged:,} unchanged, "
        f"{len(report.failed):,} failed"
    )
    images = report.images
    click.echo(f"its images: {images.added:,} added, {images.updated:,} updated, {images.unchanged:,} unchanged")
    columns = ", ".join(f"{name} ({kind})" for name, kind in report.columns.items())
    click.echo(f"columns: {printable(columns) or 'none'}", err=True)
    if not report.encoding.startswith("utf"):
        click.echo(f"read as {report.encoding}, for it is no UTF-8: look whether accents are right", err=True)
    if report.absent:
        click.echo(f"kept: {plural(report.absent, 'item')} that the table does not name", err=True)
    if report.without_image:
        some = ", ".join(report.without_image[:ITEMS_SHOWN])
        more = ", ..." if len(report.without_image) > ITEMS_SHOWN else ""
        click.echo(f"without an image: {plural(len(report.without_image), 'item')}: {printable(some)}{more}", err=True)
    print_failures(report.failed)

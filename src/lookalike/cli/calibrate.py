"""lookalike calibrate --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.output import gallery_option, json_option, print_json, progress_bar
from lookalike.errors import UserError
from lookalike.gallery import Gallery


@click.command()
@gallery_option()
@json_option
def command(gallery: str, as_json: bool) -> int:
    """Fit probabilities to a gallery's own images.

    A sample of them is edited, and each edited image is held against its original and against others of the gallery;
    from then on search and duplicates go by what was found. Worth it where images are unlike photographs, or very
    like one another. Takes about a minute; --precision does it by itself the first time.
    """
    with Gallery.open(gallery) as opened, progress_bar("calibrating") as progress:
        origins = opened.calibrate(progress)
    if as_json:
        print_json(origins)
    else:
        for name, origin in origins.items():
            click.echo(f"{name}: fitted on {origin}")
    return 0


def calibrate_once(gallery: Gallery) -> None:
    """The same where it was not done yet; a gallery with too few images keeps the shipped curves."""
    if gallery.is_calibrated:
        return
    try:
        with progress_bar("calibrating") as progress:
            gallery.calibrate(progress)
    except UserError as error:
        click.echo(f"note: {error}; going by the curves that come with the package", err=True)

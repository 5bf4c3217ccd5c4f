"""lookalike calibrate --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.output import gallery_option, json_option, print_json, progress_bar, say_lacking
from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery import Gallery


@click.command()
@gallery_option()
@click.option("--reset", is_flag=True, help="Forget them: go by the curves that come with the package again.")
@json_option
def command(gallery: str, reset: bool, as_json: bool) -> int:
    """Calibrate probabilities on a gallery's own images.

    A sample of them is edited; each edited image is compared with its original and with negatives from the gallery, and
    from then on search and duplicates go by the curves that were fitted. Worth it where images are unlike photographs,
    or very like one another; a shipped curve that is as good on pairs held out of the fit is kept. Takes about a
    minute; --precision does it by itself the first time.

    --json prints {"curves": [{"name": DESCRIPTOR, "origin": ...}, ...]}.
    """
    with Gallery.open(gallery) as opened, progress_bar("calibrating") as progress:
        say_lacking(opened)
        forgotten = opened.forget_calibration() if reset else None
        origins = {} if reset else opened.calibrate(progress)
    if as_json:
        print_json({"curves": [{"name": name, "origin": origin} for name, origin in origins.items()]})
    elif forgotten is not None:
        click.echo(f"forgot {plural(forgotten, 'curve')}; going by those that come with the package")
    else:
        for name, origin in origins.items():
            click.echo(f"{name}: {origin}")
    return 0


def calibrate_once(gallery: Gallery) -> None:
    """The same where it was not done yet; a gallery with too few images keeps the shipped curves."""
    if gallery.is_calibrated or gallery.read_only:
        return
    try:
        with progress_bar("calibrating") as progress:
            gallery.calibrate(progress)
    except UserError as error:
        click.echo(f"note: {error}; going by the curves that come with the package", err=True)

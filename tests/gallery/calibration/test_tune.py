"""A gallery's measures, fitted to pairs that a person has judged, and what search and duplicates make of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lookalike.comparison.calibration import Calibration
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.calibration.scoring import gallery_curves, gallery_weights
from lookalike.imaging.manipulations import apply
from samples import drawn, save

COUNT = 16
HELD = ["copy", "colour", "texture", "structure"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """o00.png and its mirror image m00.png, which the hashes do not know, and so on; pairs.csv tells."""
    folder = tmp_path_factory.mktemp("tuning")
    lines = ["a,b,verdict"]
    for n in range(COUNT):
        save(folder / "photos" / f"o{n:02}.png", drawn(n))
        save(folder / "photos" / f"m{n:02}.png", apply("mirror", drawn(n)))
        lines += [f"o{n:02}.png,m{n:02}.png,same", f"o{n:02}.png,o{(n + 1) % COUNT:02}.png,different"]
    (folder / "pairs.csv").write_text("\n".join(lines))
    with Gallery.create(folder / "g", HELD) as gallery:
        gallery.add(folder / "photos")
    return folder


@pytest.fixture
def gallery(folder: Path) -> Iterator[Gallery]:
    with Gallery.open(folder / "g") as opened:
        yield opened
        opened.forget_tuning()


def test_the_blend_learns(gallery: Gallery, folder: Path) -> None:
    """Mirror images are the same here: the blend takes to `copy`, which knows them, and the figures say so."""
    report = gallery.tune(folder / "pairs.csv")
    assert (report.by, report.same, report.different, report.failed) == ("blend", COUNT, COUNT, ())
    assert sum(report.weights.values()) == pytest.approx(1)
    assert max(report.weights, key=lambda name: report.weights[name]) == "copy"
    assert report.before is not None
    assert report.before.auc < 0.9 < report.after.auc
    assert report.before.accuracy < report.after.accuracy
    assert (report.outcome, report.helped, report.kept) == ("helped", True, True)
    assert report.auc_gain.value == pytest.approx(report.after.auc - report.before.auc)
    assert report.accuracy_gain.value == pytest.approx(report.after.accuracy - report.before.accuracy)
    assert report.auc_gain.count == 2 * COUNT
    assert gallery_weights(gallery._library.store) == report.weights


def test_search_and_duplicates_go_by_it(gallery: Gallery, folder: Path) -> None:
    """The tuned blend finds the mirror image first, with a probability; forgetting brings back what was before."""
    query, mirrored = folder / "photos" / "o03.png", "m03.png"
    plain = gallery.search(query, 40, by="blend")
    pairs = {frozenset((p.a, p.b)) for g in gallery.duplicates(precision=0.9, verify=False) for p in g.pairs}
    assert Path(plain[1].path).name != mirrored
    report = gallery.tune(folder / "pairs.csv", precision=0.9)
    tuned = gallery.search(query, 40, by="blend")
    assert Path(tuned[1].path).name == mirrored
    assert tuned[1].probability > 0.9
    assert tuned[1].distance <= report.threshold < tuned[2].distance
    assert tuned[2].probability < 0.5
    found = {frozenset((p.a, p.b)) for g in gallery.duplicates(precision=0.9, verify=False) for p in g.pairs}
    photos = folder / "photos"
    expected = {frozenset((str(photos / f"o{n:02}.png"), str(photos / f"m{n:02}.png"))) for n in range(COUNT)}
    assert len(found & expected) > COUNT / 2 > len(pairs & expected)
    assert found <= expected
    with Gallery.open(gallery.path) as again:
        assert again.search(query, 40, by="blend") == tuned
    assert gallery.forget_tuning() == 1
    assert gallery.search(query, 40, by="blend") == plain


def test_the_images_are_in_the_probability(gallery: Gallery, folder: Path) -> None:
    """At the threshold of a precision, the probability that a search tells is that precision, in this library."""
    report = gallery.tune(folder / "pairs.csv", precision=0.9)
    curve = gallery_curves(gallery._library.store)["blend"]
    assert float(curve.probability(report.threshold, 1 / (len(gallery) + 1))) == pytest.approx(0.9)


def test_one_descriptor(gallery: Gallery, folder: Path) -> None:
    """Of a descriptor alone there are no shares; its curve is its own, and the blend's is as it was."""
    report = gallery.tune(folder / "pairs.csv", by="copy")
    assert (report.by, report.weights) == ("copy", {})
    assert report.kept == ("copy" in gallery_curves(gallery._library.store)) == report.helped
    assert gallery_weights(gallery._library.store) is None
    with pytest.raises(UserError, match="holds no 'content'; it holds copy"):
        gallery.tune(folder / "pairs.csv", by="content")


def test_always_the_same(gallery: Gallery, folder: Path) -> None:
    """Twice the same pairs, in another order and with the sides exchanged, teach the same."""
    lines = (folder / "pairs.csv").read_text().splitlines()
    turned = [lines[0], *(",".join([b, a, v]) for a, b, v in (line.split(",") for line in reversed(lines[1:])))]
    (folder / "turned.csv").write_text("\n".join(turned))
    first = gallery.tune(folder / "pairs.csv", keep=False)
    assert gallery.tune(folder / "pairs.csv", keep=False) == first
    second = gallery.tune(folder / "turned.csv", keep=False)
    assert second.weights == pytest.approx(first.weights)
    assert second.threshold == pytest.approx(first.threshold)


def test_nothing_is_kept_that_does_not_help(gallery: Gallery, folder: Path) -> None:
    """Where the blend tells all pairs apart already, it says so and leaves the gallery alone."""
    lines = ["a,b,verdict"]
    for n in range(COUNT):
        save(folder / "photos" / f"j{n:02}.jpg", drawn(n), quality=80)
        lines += [f"o{n:02}.png,j{n:02}.jpg,same", f"o{n:02}.png,o{(n + 3) % COUNT:02}.png,different"]
    (folder / "easy.csv").write_text("\n".join(lines))
    gallery.add(folder / "photos")
    report = gallery.tune(folder / "easy.csv")
    assert report.before is not None
    assert (report.before.accuracy, report.before.auc) == (1.0, 1.0)
    assert (report.outcome, report.helped, report.kept) == ("open", False, False)
    assert gallery_weights(gallery._library.store) is None
    gallery.remove(list((folder / "photos").glob("j*")))
    for path in (folder / "photos").glob("j*"):
        path.unlink()


def test_a_gain_that_may_be_chance_is_not_kept(gallery: Gallery, folder: Path) -> None:
    """A few pairs that the blend had wrong among many that it has right: better, but no more than chance might be."""
    photos, lines = folder / "photos", ["a,b,verdict"]
    for n in range(COUNT):
        save(photos / f"k{n:02}.jpg", drawn(n), quality=80)
        lines += [f"o{n:02}.png,k{n:02}.jpg,same", f"o{n:02}.png,o{(n + 3) % COUNT:02}.png,different"]
    lines += [f"o{n:02}.png,m{n:02}.png,same" for n in range(2)]
    (folder / "mostly.csv").write_text("\n".join(lines))
    gallery.add(photos)
    report = gallery.tune(folder / "mostly.csv")
    assert report.before is not None
    assert report.after.accuracy + report.after.auc > report.before.accuracy + report.before.auc
    assert report.auc_gain.low < 0 < report.auc_gain.value < report.auc_gain.high
    assert (report.outcome, report.kept, gallery_weights(gallery._library.store)) == ("open", False, None)
    gallery.remove(list(photos.glob("k*")))
    for path in photos.glob("k*"):
        path.unlink()


def test_lines_that_cannot_be_used(gallery: Gallery, folder: Path) -> None:
    """Missing files, other words, both verdicts, one content called different, no features: listed, the others used."""
    save(folder / "photos" / "grey.png", np.full((40, 40, 3), 99, np.uint8))
    (folder / "photos" / "twin.png").write_bytes((folder / "photos" / "o00.png").read_bytes())
    gallery.add(folder / "photos")
    more = [
        "o00.png,m00.png,SAME",
        "m01.png,o01.png,different",
        "gone.png,o01.png,same",
        "o01.png,o02.png,maybe",
        "o00.png,twin.png,different",
        "o00.png,twin.png,same",
        "o05.png,twin.png,different",
        "grey.png,o01.png,different",
        "o01.png",
    ]
    (folder / "more.csv").write_text("\n".join([(folder / "pairs.csv").read_text(), *more]))
    report = gallery.tune(folder / "more.csv", keep=False)
    assert (report.same, report.different) == (COUNT - 1, COUNT + 1)
    result = {one.path.removeprefix(f"{folder / 'more.csv'}:"): one.reason for one in report.failed}
    first = 2 * COUNT + 2
    assert result == {
        str(first + 2): "gone.png: not among the indexed images",
        str(first + 3): "the verdict must be same or different, not 'maybe'",
        str(first + 8): "the verdict must be same or different, not ''",
        f"4, {first + 1}": "called both same and different",
        f"{first + 4}, {first + 5}": "called both same and different",
        str(folder / "photos" / "grey.png"): f"too little in it for {', '.join(HELD)}: a pair is left out",
    }
    gallery.remove([folder / "photos" / "grey.png", folder / "photos" / "twin.png"])


def test_decisions(gallery: Gallery, folder: Path) -> None:
    """What was decided teaches the same as a file; pairs of images that are gone are counted as unused."""
    photos = folder / "photos"
    same = [(photos / f"o{n:02}.png", photos / f"m{n:02}.png") for n in range(COUNT)]
    different = [(photos / f"o{n:02}.png", photos / f"o{(n + 1) % COUNT:02}.png") for n in range(COUNT)]
    with pytest.raises(UserError, match="there are 0 same and 0 different"):
        gallery.tune()
    gallery.add_verdicts(same, "same")
    gallery.add_verdicts(different, "different")
    save(photos / "passing.png", drawn(77))
    gallery.add(photos)
    gallery.add_verdicts([(photos / "passing.png", photos / "o00.png")], "different")
    gallery.remove(photos / "passing.png")
    by_decisions = gallery.tune(keep=False)
    assert (by_decisions.same, by_decisions.different, by_decisions.unused) == (COUNT, COUNT, 1)
    assert by_decisions.weights == pytest.approx(gallery.tune(folder / "pairs.csv", keep=False).weights)


def test_same_changes_a_different(gallery: Gallery, folder: Path) -> None:
    """The last word on a pair counts: "same" after "different" lets duplicates group it again."""
    photos = folder / "photos"
    pair = (photos / "o02.png", photos / "twin2.jpg")
    save(pair[1], drawn(2), quality=92)
    gallery.add(photos)

    def grouped() -> bool:
        return any({str(path) for path in pair} <= {g.keep, *g.others} for g in gallery.duplicates())

    assert grouped()
    gallery.not_duplicates([pair])
    assert not grouped()
    gallery.add_verdicts([pair], "same")
    assert grouped()
    gallery.remove([pair[1]])
    pair[1].unlink()


def test_one_verdict_alone(gallery: Gallery, folder: Path) -> None:
    """Only one verdict, or a handful of pairs, is refused."""
    lines = (folder / "pairs.csv").read_text().splitlines()
    for chosen in (lines[:1] + [line for line in lines if "same" in line], lines[:12], lines[:1]):
        (folder / "few.csv").write_text("\n".join(chosen))
        with pytest.raises(UserError, match="tuning needs 20 usable pairs, at least 5 of them same and 5 different"):
            gallery.tune(folder / "few.csv")


def test_calibrate_and_tune(gallery: Gallery, folder: Path) -> None:
    """A calibration neither hides a tuning nor is hidden once that is forgotten; tuning is no calibration."""
    gallery.tune(folder / "pairs.csv")
    assert not gallery.is_calibrated
    tuned = gallery_curves(gallery._library.store)["blend"]
    fitted = Calibration(3.0, 1.0, "this library")
    with gallery._library.store.transaction():
        gallery._library.store.put_calibrations({"blend": fitted})
    assert (gallery.is_calibrated, gallery_curves(gallery._library.store)["blend"]) == (True, tuned)
    gallery.forget_tuning("blend")
    assert gallery_curves(gallery._library.store)["blend"] == fitted
    with gallery._library.store.transaction():
        gallery._library.store.put_calibrations({})

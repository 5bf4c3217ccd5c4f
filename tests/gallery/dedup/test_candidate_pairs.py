"""Duplicates: groups as complete linkage defines them, what is kept, what a person decided, and bounded memory."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import lookalike as la
from lookalike.comparison.calibration import curve
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.storage.base import NewImage
from lookalike.gallery.storage.row import Row
from lookalike.imaging.manipulations import apply
from lookalike.types import Group
from samples import drawn, folder_of, photograph, photograph_path, save

UNIT = {"colour": 226.0, "texture": 0.232, "structure": 128.0}
EDITED = ("jpeg-30", "brightness-", "resize-50", "sticker", "crop-80", "border")


@pytest.fixture
def gallery(tmp_path: Path):
    with Gallery.create(tmp_path / "g.gallery", descriptors=("colour", "texture", "structure")) as opened:
        yield opened


def members(group: Group) -> set[str]:
    return {Path(path).name for path in (group.keep, *group.others)}


def blend(a: Path, b: Path) -> float:
    """The blend's distance, each part by its definition."""
    parts = {name: la.describe([a, b], name) for name in UNIT}
    colour = float(np.linalg.norm(parts["colour"][0] - parts["colour"][1]))
    texture = 1 - float(parts["texture"][0] @ parts["texture"][1])
    bits = np.unpackbits(parts["structure"], axis=1)
    structure = int((bits[0] != bits[1]).sum())
    found = {"colour": colour, "texture": texture, "structure": structure}
    return sum(DEFAULT_WEIGHTS[name] * found[name] / UNIT[name] for name in UNIT)


def limit(precision: float, images: int) -> float:
    """By Bayes' rule from the curve at even odds: the distance whose probability among so many is ``precision``."""
    low, high = -1.0, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        even = float(curve("blend").probability(middle))
        share = 1 / (images + 1)
        probability = even * share / (even * share + (1 - even) * (1 - share))
        low, high = (middle, high) if probability >= precision else (low, middle)
    return low


def complete_linkage(apart: dict[frozenset[Path], float], reach: float) -> set[frozenset[str]]:
    """Groups by the definition: the two closest groups are joined while their farthest members are within reach."""
    groups = [[path] for path in sorted({path for pair in apart for path in pair})]
    while True:
        options = [
            (min(apart[frozenset((a, b))] for a in left for b in right), left, right)
            for left, right in combinations(groups, 2)
            if all(apart[frozenset((a, b))] <= reach for a in left for b in right)
        ]
        if not options:
            return {frozenset(path.name for path in group) for group in groups if len(group) > 1}
        _, left, right = min(options, key=lambda option: option[0])
        groups.remove(right)
        left.extend(right)


@pytest.mark.slow
def test_groups_against_the_definition(gallery: Gallery, tmp_path: Path) -> None:
    """Drawn images with planted edits give just the groups of complete linkage by explicit loops."""
    photos = folder_of(tmp_path / "photos", 8)
    for number in range(4):
        for name in EDITED:
            save(photos / f"{number}-{name}.png", apply(name, drawn(number), number))
    gallery.add(photos)
    apart = {frozenset(pair): blend(*pair) for pair in combinations(sorted(photos.iterdir()), 2)}
    for precision in (0.5, 0.9, 0.99, 0.999999):
        groups = {frozenset(members(group)) for group in gallery.duplicates(precision=precision, verify=False)}
        assert complete_linkage(apart, limit(precision, 32)) == groups
        assert all(len({original(name) for name in group}) == 1 for group in groups)


def original(name: str) -> int:
    """The number of the image that a file of these tests was made from."""
    return int(name[0]) if name[1] == "-" else int(name[:4])


def test_groups_say_what_they_are(gallery: Gallery, tmp_path: Path) -> None:
    """Each group has one pair per copy, from the image that is kept, with the blend's distance, best prize first."""
    small, large = tmp_path / "photos" / "small.png", tmp_path / "photos" / "large.png"
    save(small, drawn(1))
    save(large, drawn(2, 400, 300))
    save(tmp_path / "photos" / "small.jpg", drawn(1), quality=80)
    save(tmp_path / "photos" / "large-2.png", apply("watermark", drawn(2, 400, 300)))
    gallery.add(tmp_path / "photos")
    groups = gallery.duplicates()
    assert [{"large.png", "large-2.png"}, {"small.png", "small.jpg"}] == [members(group) for group in groups]
    for group in groups:
        (pair,) = group.pairs
        assert (group.keep, group.others) == (pair.a, (pair.b,))
        assert pair.distance == pytest.approx(blend(Path(pair.a), Path(pair.b)), abs=2e-3)
        assert 0.99 <= pair.probability <= 1
    assert [group.pairs[0].relation for group in groups] == ["edited", "re-encoded"]


def hashed(number: int, bits: np.ndarray) -> NewImage:
    """An image that never was, with this structure hash of 256 bits."""
    row = Row(0, f"/drawn/{number:05}.png", f"{number:064x}", 1000, number, 10, 10, "PNG", None, None)
    return NewImage(row, {"structure": (np.packbits(bits).tobytes(), 1.0)})


def fill(gallery: Gallery, rows: list[np.ndarray]) -> None:
    """A gallery of images with these hashes."""
    with gallery._library.store.transaction():
        for number, bits in enumerate(rows):
            gallery._library.store.put(hashed(number, bits))


@pytest.fixture
def structures(tmp_path: Path):
    """A gallery that holds structure hashes only."""
    with Gallery.create(tmp_path / "s.gallery", descriptors=["structure"]) as opened:
        yield opened


def test_nothing_chains(structures: Gallery) -> None:
    """A is close to B and B to C, but A far from C: no group holds A and C, and B is in one of them only."""
    reach = int(curve("structure").distance(0.99, 1 / 4))
    a = np.arange(256) % 2
    b, c = a.copy(), a.copy()
    b[: reach - 1] ^= 1
    c[: 2 * (reach - 1)] ^= 1
    fill(structures, [a, b, c])
    groups = structures.duplicates(by="structure")
    assert [len(group.others) for group in groups] == [1]
    assert "00001.png" in members(groups[0])


def test_a_long_chain_falls_into_tight_groups(structures: Gallery) -> None:
    """Of 40 images, each a few bits from the next, every two of a group are within the limit."""
    rows = [np.arange(256) % 2 for _ in range(40)]
    for number, row in enumerate(rows):
        row[: 6 * number] ^= 1
    fill(structures, rows)
    reach = curve("structure").distance(0.99, 1 / 41)
    groups = structures.duplicates()
    grouped = [sorted(int(name[:5]) for name in members(group)) for group in groups]
    assert all(6 * (group[-1] - group[0]) <= reach for group in grouped)
    assert sum(map(len, grouped)) >= 38
    assert len({number for group in grouped for number in group}) == sum(map(len, grouped))


@pytest.mark.parametrize("count", [70, 300])
def test_a_burst_is_one_group(structures: Gallery, count: int) -> None:
    """More near copies of one image than neighbours are looked at per image are one group all the same."""
    rng = np.random.default_rng(count)
    base = rng.integers(0, 2, 256)
    rows = []
    for _ in range(count):
        row = base.copy()
        row[rng.choice(256, 8, replace=False)] ^= 1
        rows.append(row)
    fill(structures, rows)
    assert [count] == [1 + len(group.others) for group in structures.duplicates()]


def test_the_outlier_of_a_burst(structures: Gallery) -> None:
    """A copy that is within the limit of all, but nobody's nearest, joins the many that are nearer to one another."""
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 2, 256)]
    centre = rows[0].copy()
    centre[:50] ^= 1
    for number in range(100):
        row = centre.copy()
        row[60 + number] ^= 1
        rows.append(row)
    fill(structures, rows)
    assert [1 + len(group.others) for group in structures.duplicates()] == [101]


def test_identical_files(gallery: Gallery, tmp_path: Path) -> None:
    """Byte-identical files are one group at probability 1, blank ones too; blank ones that differ are not."""
    photos = folder_of(tmp_path / "photos", 3)
    shutil.copy(photos / "0001.jpg", photos / "copy.jpg")
    save(photos / "blank.png", np.full((80, 80, 3), 255, np.uint8))
    shutil.copy(photos / "blank.png", photos / "blank-copy.png")
    save(photos / "other-blank.png", np.full((90, 80, 3), 255, np.uint8))
    gallery.add(photos)
    groups = gallery.duplicates()
    assert {frozenset(("0001.jpg", "copy.jpg")), frozenset(("blank.png", "blank-copy.png"))} == {
        frozenset(members(group)) for group in groups
    }
    assert [(p.relation, p.distance, p.probability) for g in groups for p in g.pairs] == [("identical", 0.0, 1.0)] * 2


def test_identical_files_among_near_ones(gallery: Gallery, tmp_path: Path) -> None:
    """Copies of the bytes and copies of the look are in one group, each with its own relation."""
    photos = tmp_path / "photos"
    save(photos / "a.png", photograph("coffee.png"))
    shutil.copy(photos / "a.png", photos / "b.png")
    save(photos / "c.jpg", photograph("coffee.png")[::2, ::2], quality=90)
    shutil.copy(photos / "c.jpg", photos / "d.jpg")
    gallery.add(photos)
    (group,) = gallery.duplicates()
    assert str(photos / "a.png") == group.keep
    assert [Path(path).name for path in group.others] == ["b.png", "c.jpg", "d.jpg"]
    relations = [pair.relation for pair in group.pairs]
    assert relations[0] == "identical"
    assert relations[1] == relations[2] != "identical"
    assert group.pairs[1].distance == group.pairs[2].distance > 0


def exif(taken: str) -> Pillow.Exif:
    block = Pillow.Exif()
    block.get_ifd(0x8769)[0x9003] = taken
    return block


def test_what_is_kept(gallery: Gallery, tmp_path: Path) -> None:
    """Most pixels first, then most bytes, then the oldest by EXIF, then the oldest file."""
    photos, pixels = tmp_path / "photos", photograph("chelsea.png")
    files = {
        "pixels/few-but-heavy.png": save(photos / "pixels/few-but-heavy.png", pixels[::2, ::2]),
        "pixels/many-but-light.jpg": save(photos / "pixels/many-but-light.jpg", pixels, quality=60),
    }
    assert os.path.getsize(files["pixels/few-but-heavy.png"]) > os.path.getsize(files["pixels/many-but-light.jpg"])
    other = photograph("coffee.png")
    save(photos / "bytes/light.jpg", other, quality=50)
    save(photos / "bytes/heavy.jpg", other, quality=95)
    third = photograph("astronaut.png")
    save(photos / "taken/a.jpg", third, exif=exif("2020:01:01 10:00:00"))
    save(photos / "taken/b.jpg", third, exif=exif("2010:01:01 10:00:00"))
    save(photos / "taken/c.jpg", third, exif=exif("2015:01:01 10:00:00"))
    save(photos / "file/a.jpg", drawn(1))
    shutil.copy(photos / "file/a.jpg", photos / "file/b.jpg")
    os.utime(photos / "file/a.jpg", ns=(2 * 10**18, 2 * 10**18))
    os.utime(photos / "file/b.jpg", ns=(10**18, 10**18))
    gallery.add(photos)
    kept = {str(Path(group.keep).relative_to(photos)) for group in gallery.duplicates()}
    assert {"pixels/many-but-light.jpg", "bytes/heavy.jpg", "taken/b.jpg", "file/b.jpg"} == kept


def test_a_decision_is_remembered(tmp_path: Path) -> None:
    """What a person called no duplicates is in no group together, after opening again and after a move."""
    photos = tmp_path / "photos"
    save(photos / "a.png", photograph("coffee.png"))
    save(photos / "b.jpg", photograph("coffee.png"))
    save(photos / "c.webp", photograph("coffee.png"))
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(photos)
        assert [{"a.png", "b.jpg", "c.webp"}] == [members(group) for group in gallery.duplicates()]
        gallery.not_duplicates([(photos / "b.jpg", photos / "a.png")])
    with Gallery.open(tmp_path / "g") as gallery:
        assert gallery.info().verdicts == 1
        (group,) = gallery.duplicates()
        assert len(members(group)) == 2
        assert "c.webp" in members(group)
        (photos / "new").mkdir()
        (photos / "a.png").rename(photos / "new" / "z.png")
        shutil.copy(photos / "b.jpg", photos / "b2.jpg")
        gallery.add(photos)
        for group in gallery.duplicates():
            assert not ({"z.png"} <= members(group) and {"b.jpg", "b2.jpg"} & members(group))
        gallery.remove(photos / "c.webp")
        assert [{"b.jpg", "b2.jpg"}] == [members(group) for group in gallery.duplicates()]


def test_a_decision_needs_known_images(gallery: Gallery, tmp_path: Path) -> None:
    """An image that is not in the gallery cannot be decided on, and nothing of the call is remembered."""
    photos = folder_of(tmp_path / "photos", 2)
    gallery.add(photos)
    with pytest.raises(UserError, match="not in this gallery"):
        gallery.not_duplicates([(photos / "0000.jpg", photos / "0001.jpg"), (photos / "0000.jpg", "/no/where.jpg")])
    assert gallery.info().verdicts == 0


@pytest.mark.slow
def test_higher_precision_gives_fewer_pairs(gallery: Gallery, tmp_path: Path) -> None:
    """Whatever is together at a higher precision is together at every lower one, by vectors alone: what verification
    joins depends on the image that a group is kept around."""
    photos = folder_of(tmp_path / "photos", 6)
    for number in range(6):
        for name in ("jpeg-10", "crop-80", "brightness-", "crop-50"):
            save(photos / f"{number}-{name}.png", apply(name, drawn(number), number))
    gallery.add(photos)
    found = []
    for precision in (0.5, 0.9, 0.99, 0.99999, 1 - 1e-12):
        groups = gallery.duplicates(precision=precision, verify=False)
        found.append({pair for group in groups for pair in combinations(sorted(members(group)), 2)})
    assert len(found[0]) > len(found[-1])
    for lower, higher in pairwise(found):
        assert higher <= lower


@pytest.mark.parametrize("precision", [0.49, 0, -1, 1.0, 2, math.nan, math.inf])
def test_a_precision_that_means_nothing(gallery: Gallery, precision: float) -> None:
    """A precision below one half, or of 1 and more, is the user's mistake."""
    with pytest.raises(UserError, match="precision"):
        gallery.duplicates(precision=precision)


def test_by_one_descriptor(gallery: Gallery, tmp_path: Path) -> None:
    """Groups can be made by one descriptor that is held; one that is not is the user's mistake."""
    photos = folder_of(tmp_path / "photos", 3)
    save(photos / "copy.png", drawn(1))
    gallery.add(photos)
    for by in ("structure", "texture"):
        (group,) = gallery.duplicates(by=by)
        assert members(group) == {"0001.jpg", "copy.png"}
    for by in ("pdq", "nonsense", "colour=1,texture=2"):
        with pytest.raises(UserError):
            gallery.duplicates(by=by)


def test_nothing_found(gallery: Gallery, tmp_path: Path) -> None:
    """No images, one image, and images of different things have no duplicates."""
    assert gallery.duplicates() == []
    gallery.add(photograph_path("coffee.png"))
    assert gallery.duplicates() == []
    gallery.add(folder_of(tmp_path / "photos", 20))
    assert gallery.duplicates(precision=0.5) == []


MEMORY = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[2])
from lookalike.gallery import Gallery
from test_candidate_pairs import fill
rng = np.random.default_rng(0)
rows = rng.integers(0, 256, (30_000, 32)).astype(np.uint8)
rows[20_000:20_500] = rows[:500]
rows[20_000:20_500, 0] ^= 1
with Gallery.create(sys.argv[1], descriptors=["structure"]) as gallery:
    fill(gallery, np.unpackbits(rows, axis=1))
    print(len(gallery.duplicates()))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory is read from Linux's /proc")
def test_memory_is_bounded(tmp_path: Path) -> None:
    """30,000 hashes with 500 planted copies take less than 700 MB in all, where all pairs would take 3.6 GB."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "g"), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    groups, peak = map(int, done.stdout.split())
    assert groups == 500
    assert peak < 700_000  # kB


def test_another_process_removes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that another process removes while groups are made are grouped as they were, without an error."""
    from lookalike.gallery.dedup import candidate_pairs

    photos = folder_of(tmp_path / "photos", 3)
    for number in range(3):
        save(photos / f"{number:04}-half.jpg", drawn(number)[::2, ::2], quality=80)
    real = candidate_pairs.complete_linkage
    with Gallery.create(tmp_path / "g") as gallery, Gallery.open(tmp_path / "g") as other:
        gallery.add(photos)

        def late(pairs, close):
            other.remove(photos / "0001.jpg")
            return real(pairs, close)

        monkeypatch.setattr(candidate_pairs, "complete_linkage", late)
        assert len(gallery.duplicates()) == 3
        assert len(gallery.duplicates()) == 2

"""Videos in a gallery: what is taken in, which video or still finds which, when, and which copies there are."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner, Result

from lookalike.actions.removal_plan import plan_removals
from lookalike.cli import cli
from lookalike.descriptors.video import DESCRIPTOR
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.ingest.listed import ListedFile, Skipped
from lookalike.gallery.ingest.scan import walk
from lookalike.gallery.storage.thumbnails import KEPT, Thumbnails
from lookalike.report.view_models import image_view
from lookalike.types import VideoDuplicates
from samples import folder_of
from videos import FPS, pan, write_video

SCENES = ("coffee.png", "astronaut.png", "chelsea.png")
FILMS = ["again.mp4", "film.mp4", "other.avi", "part.mkv", "same.mp4"]


def mirrored(frames: list[np.ndarray]) -> list[np.ndarray]:
    return [frame[:, ::-1] for frame in frames]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, and videos: a film, its bytes again, coded again and smaller, a part of it mirrored behind something
    else, and another film."""
    folder = tmp_path_factory.mktemp("library")
    folder_of(folder, 3)
    coffee, astronaut, cat = (pan(name, 6, start=number) for number, name in enumerate(SCENES))
    film = [*coffee, *astronaut]
    write_video(folder / "film.mp4", film)
    shutil.copy(folder / "film.mp4", folder / "same.mp4")
    write_video(folder / "again.mp4", [frame[::2, ::2] for frame in film], quality=8)
    write_video(folder / "part.mkv", [*pan("rocket.jpg", 4), *mirrored(film[30:80])])
    write_video(folder / "other.avi", cat)
    return folder


@pytest.fixture(scope="module")
def path(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("gallery") / "g"
    with Gallery.create(place, [DESCRIPTOR, "structure"]) as gallery:
        assert gallery.add(library).added == 8
    return place


@pytest.fixture
def gallery(path: Path):
    with Gallery.open(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def copies(path: Path) -> tuple[VideoDuplicates, list[tuple[int, int]]]:
    """What there is at a probability of one half, and the progress that was told."""
    seen: list[tuple[int, int]] = []
    with Gallery.open(path) as opened:
        found = opened.video_duplicates(precision=0.5, progress=lambda done, total: seen.append((done, total)))
    return found, seen


def names(hits) -> list[str]:
    return [Path(hit.path).name for hit in hits]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def test_they_are_held_beside_images(gallery: Gallery, library: Path) -> None:
    """Rows with codec and duration, found by filters; images have none, and no video is an image's neighbour."""
    assert [Path(row.path).name for row in gallery.rows("duration > 1")] == FILMS
    film = next(gallery.rows("path like '%/film.mp4'"))
    assert (film.codec, film.format, film.width, film.height, film.fps) == ("mpeg4", "MP4", 240, 176, FPS)
    assert film.duration == pytest.approx(12, abs=0.1)
    assert [row.codec for row in gallery.rows("duration is null")] == [None] * 3
    assert (gallery.info().images, gallery.info().videos, gallery.video_count) == (3, 5, 5)
    assert len(gallery.search(library / "0001.jpg", 10)) == 3
    assert gallery.add(library).unchanged == 8


def test_a_part_finds_its_films(gallery: Gallery, tmp_path: Path) -> None:
    """Cut out, and said where; the film that it is of comes before what has less of it."""
    part = write_video(tmp_path / "q.mp4", [*pan("coffee.png", 6)][20:], quality=6)
    hits = gallery.search_videos(part, precision=0.5)
    assert set(names(hits)) == {"film.mp4", "same.mp4", "again.mp4", "part.mkv"}
    film = next(hit for hit in hits if hit.path.endswith("film.mp4"))
    (segment,) = film.segments
    assert (segment.a_start, segment.b_start) == (pytest.approx(0, abs=0.6), pytest.approx(2, abs=0.6))
    assert film.verified
    mirror = next(hit for hit in hits if hit.path.endswith("part.mkv"))
    assert mirror.segments[0].orientation == "mirrored"
    assert mirror.segments[0].b_start == pytest.approx(4, abs=0.6)
    few = gallery.search_videos(part, 1, where="codec = 'mpeg4' and path like '%.mkv'")
    assert names(few) == ["part.mkv"]


def test_a_held_video_is_not_decoded_again(gallery: Gallery, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes tell which it is; the same bytes come first, and are identical."""
    from lookalike.gallery.search import video_search

    monkeypatch.setattr(video_search, "describe_frames", lambda _: pytest.fail("it was decoded"))
    hits = gallery.search_videos(library / "film.mp4")
    assert sorted(names(hits[:2])) == ["film.mp4", "same.mp4"]
    assert [hit.segments[0].relation for hit in hits[:2]] == ["identical"] * 2
    row = next(gallery.rows("path like '%/again.mp4'"))
    assert names(gallery.search_videos(row, 1)) == ["again.mp4"]


def test_a_still_finds_its_moment(gallery: Gallery, tmp_path: Path) -> None:
    """A frame cut to its middle finds the shot and the moment, as far as a moving camera lets it be told: a part of the
    frame before it shows the same."""
    frame = pan("astronaut.png", 6, start=1)[23]
    PIL.Image.fromarray(frame[12:-12, 16:-16]).save(tmp_path / "still.png")
    hits = gallery.search_in_videos(tmp_path / "still.png")
    assert {"film.mp4", "same.mp4"} <= set(names(hits)) <= {"film.mp4", "same.mp4", "again.mp4", "part.mkv"}
    (segment,) = hits[0].segments
    assert segment.evidence["moment"] == pytest.approx(6 + 2.3, abs=0.5)
    assert segment.b_start <= segment.evidence["moment"] <= segment.b_end + 0.5
    assert segment.relation in {"crop", "edited"}
    grey = np.full((80, 80, 3), 128, np.uint8)
    assert gallery.search_in_videos(grey) == []


def test_copies(copies: tuple[VideoDuplicates, list[tuple[int, int]]]) -> None:
    """Whole copies are a group around the largest; a part is told as segments, once for each film that has it."""
    found, seen = copies
    (group,) = found.groups
    assert Path(group.keep).name in {"film.mp4", "same.mp4"}
    assert sorted(names_of(group)) == ["again.mp4", "film.mp4", "same.mp4"]
    relations = {Path(pair.b).name: pair.relation for pair in group.pairs}
    assert relations.pop("again.mp4") in {"re-encoded", "edited"}
    assert set(relations.values()) == {"identical"}
    assert {Path(one).name for pair in found.pairs for one in (pair.a, pair.b)} == {*FILMS} - {"other.avi"}
    assert all("part.mkv" in pair.a + pair.b for pair in found.pairs)
    assert seen[-1] == (4, 4)


@pytest.fixture(scope="module")
def two(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of a film and of its smaller copy."""
    place = tmp_path_factory.mktemp("two") / "g"
    with Gallery.create(place, [DESCRIPTOR]) as gallery:
        assert gallery.add([library / "film.mp4", library / "again.mp4"]).added == 2
    return place


def test_what_a_person_called_different_is_no_copy(two: Path, library: Path) -> None:
    """Until it is taken back; and what a person prefers is kept, though it is smaller."""
    film, again = (str(library / name) for name in ("film.mp4", "again.mp4"))
    with Gallery.open(two) as gallery:
        gallery.add_verdicts([(film, again)], "different")
        assert gallery.video_duplicates(precision=0.5).groups == ()
        gallery.remove_verdicts([(film, again)])
        (group,) = gallery.video_duplicates(precision=0.5, prefer=[again]).groups
    assert (Path(group.keep).name, group.reason) == ("again.mp4", "in a preferred folder")


def names_of(group) -> list[str]:
    return [Path(one).name for one in (group.keep, *group.others)]


def test_only_the_same_bytes_are_cleared(
    gallery: Gallery, copies: tuple[VideoDuplicates, list[tuple[int, int]]]
) -> None:
    """A few frames say nothing of the rest, or of the sound: another file goes only where a list names it."""
    (group,) = copies[0].groups
    plan = plan_removals(gallery, group.pairs, "moved")
    assert [Path(one.copy).name for one in plan.removals] == sorted({"film.mp4", "same.mp4"} - {Path(group.keep).name})
    assert [Path(one.path).name for one in plan.left] == ["again.mp4"]


@pytest.fixture(scope="module")
def printed(path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What `duplicates` prints, and the page that it writes."""
    report = tmp_path_factory.mktemp("report") / "r.html"
    lines = run("duplicates", "-g", path, "--precision", 0.5, "--report", report).stdout
    return lines, report.read_text("utf-8")


def test_the_command_line(path: Path, library: Path, printed: tuple[str, str], tmp_path: Path) -> None:
    """`search` takes a video, a still or a folder of frames; `duplicates` and `info` tell of videos as well."""
    part = write_video(tmp_path / "q.mp4", pan("coffee.png", 6)[20:])
    found = json.loads(run("search", part, "-g", path, "--json").stdout)
    assert {Path(one["path"]).name for one in found["queries"][0]["videos"]} >= {"film.mp4", "part.mkv"}
    only = ("--where", "path like '%/film.mp4'")
    assert "shown at" in run("search", part, "-g", path, *only).stdout
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, pixels in enumerate(pan("coffee.png", 6)[::2]):
        PIL.Image.fromarray(pixels).save(folder / f"{number:04}.jpg")
    assert "film.mp4" in run("search", folder, "-g", path, "--fps", FPS / 2, *only).stdout
    still = tmp_path / "still.png"
    PIL.Image.fromarray(pan("chelsea.png", 6, start=2)[20]).save(still)
    lines = run("search", still, "-g", path)
    assert "other.avi" in lines.stdout
    assert "(in 0:0" in lines.stdout
    nothing = run("search", library / "0000.jpg", "-g", path, "--json")
    assert json.loads(nothing.stdout)["queries"][0]["videos"] == []
    assert "videos  5" in run("info", "-g", path).stdout
    assert "again.mp4  " in printed[0]
    assert "share " in printed[0]


def test_the_report_of_copies(library: Path, printed: tuple[str, str]) -> None:
    """Videos are shown by filmstrips with their lengths, and what shares segments by a timeline and in words."""
    page = printed[1]
    group, shared = (
        page[page.index('id="duplicates"') :],
        page[page.index('id="videos"') : page.index('id="duplicates"')],
    )
    assert group.count("no preview of") == 0
    assert group.count("<span>0:12.0</span>") == 3
    assert shared.count("<figure") == shared.count("<article") == 3
    assert len(re.findall(r"<li>0:0\d\.\d – 0:0\d\.\d of the first is", shared)) >= 3
    gone = image_view(str(library / "gone.mp4"))
    assert (gone.thumbnail, gone.duration, gone.label != "") == ("", None, True)


def test_what_cannot_be_verified(path: Path, library: Path, tmp_path: Path) -> None:
    """A film that is gone or was changed is near, and no copy; with all, it is told as not verified."""
    shutil.copytree(path, tmp_path / "g")
    away = tmp_path / "away"
    shutil.copytree(library, away)
    part = write_video(tmp_path / "q.mp4", pan("chelsea.png", 6, start=2)[20:])
    with Gallery.create(tmp_path / "other", [DESCRIPTOR]) as gallery:
        gallery.add(away)
        (away / "other.avi").unlink()
        assert gallery.search_videos(part) == []
        (hit,) = [one for one in gallery.search_videos(part, precision=0.0) if one.path.endswith("other.avi")]
        assert (hit.verified, hit.segments) == (False, ())
        assert gallery.refresh() == [str(away / "other.avi")]
        assert gallery.search_videos(part, precision=0.0) == [] or "other.avi" not in str(gallery.search_videos(part))


def test_what_is_near_is_said(tmp_path: Path) -> None:
    """The same room at another time is no match, but with --all it is named, with how little speaks for it."""
    room = pan("coffee.png", 0.1)[0]
    who = np.asarray(PIL.Image.fromarray(pan("astronaut.png", 0.1)[0]).resize((60, 90)))

    def recorded(name: str, ways: Sequence[tuple[int, int]]) -> Path:
        frames = [room.copy() for _ in range(60)]
        for number, frame in enumerate(frames):
            left, top = (int(a + (b - a) * number / 60) for a, b in ways)
            frame[top : top + 90, left : left + 60] = who
        return write_video(tmp_path / name, frames)

    with Gallery.create(tmp_path / "g", [DESCRIPTOR]) as gallery:
        gallery.add(recorded("a.mp4", [(0, 170), (0, 0)]))
        query = recorded("q.mp4", [(90, 90), (86, 0)])
        (hit,) = gallery.search_videos(query, precision=0.0)
    assert (hit.segments, hit.verified) == ((), True)
    assert hit.probability < 0.5
    assert "no match" in run("search", query, "-g", tmp_path / "g").stderr
    near = run("search", query, "-g", tmp_path / "g", "--all")
    assert "near, and no copy" in near.stdout
    assert "a.mp4" in near.stdout
    assert near.stderr == ""


def test_a_gallery_without_paths(library: Path, tmp_path: Path) -> None:
    """Thumbnails are filmstrips; the same bytes are copies still, and nothing else can be said."""
    with Gallery.create(tmp_path / "g", [DESCRIPTOR], retention="thumbnails") as gallery:
        gallery.add(library)
        (group,) = gallery.video_duplicates().groups
        assert [pair.relation for pair in group.pairs] == ["identical"]
        assert gallery.check().problems == ()


def test_a_gallery_without_copy(library: Path, tmp_path: Path) -> None:
    """Videos are left out, and it is said why; a search for one is an error."""
    with Gallery.create(tmp_path / "g", ["structure"]) as gallery:
        report = gallery.add(library)
        assert (report.added, dict(report.left_out)) == (3, {"no frames": 5})
        with pytest.raises(UserError, match="without the descriptor 'copy'"):
            gallery.search_videos(library / "film.mp4")
        assert gallery.add_descriptor(DESCRIPTOR).updated == 3
        assert gallery.add(library).added == 5


def test_without_pyav(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are left out, and it is said what to install."""
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr("lookalike.gallery.ingest.ingest.reads_videos", lambda: False)
    result = run("index", library, "-g", tmp_path / "g", "--descriptors", DESCRIPTOR)
    assert "5 videos, which need: pip install 'lookalike[video]'" in result.stderr


def test_damaged_ones(tmp_path: Path) -> None:
    """Cut short it is kept as far as it goes, and called damaged; what is none at all is a failure, and told once."""
    whole = write_video(tmp_path / "whole.mkv", [frame for name in SCENES for frame in pan(name, 6)])
    data = whole.read_bytes()
    whole.unlink()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    (tmp_path / "none.mp4").write_bytes(b"no video at all" * 50)
    with Gallery.create(tmp_path / "g", [DESCRIPTOR]) as gallery:
        report = gallery.add([tmp_path / "cut.mkv", tmp_path / "none.mp4"])
        assert (report.added, [Path(one.path).name for one in report.failed]) == (1, ["none.mp4"])
        (row,) = gallery
        assert "truncated" in row.damage
        part = write_video(tmp_path / "q.mp4", pan("coffee.png", 6)[10:])
        assert names(gallery.search_videos(part)) == ["cut.mkv"]
    with Gallery.create(tmp_path / "h", [DESCRIPTOR], retention="thumbnails") as gallery:
        assert gallery.add(tmp_path / "cut.mkv").added == 1
        with closing(Thumbnails(gallery.path)) as kept:
            strip = PIL.Image.open(io.BytesIO(kept.get(gallery.row(1).sha256, KEPT))).convert("RGB")
        assert [quarter.std() > 30 for quarter in np.array_split(np.asarray(strip, float), 4, axis=1)] == [True] * 4
        assert gallery.check().problems == ()


def test_lost_frames_are_made_again(library: Path, tmp_path: Path) -> None:
    """`check` tells of damaged and missing frames, and `--repair` reads the files again."""
    with Gallery.create(tmp_path / "g", [DESCRIPTOR]) as gallery:
        gallery.add([library / "film.mp4", library / "other.avi"])
        store = gallery._library.store
        with store.transaction():
            store._db.run("UPDATE frames SET data = x'00' WHERE image_id = 1")
            store.frames.forget(DESCRIPTOR, [2])
        assert sorted((one.image, one.kind) for one in gallery.check().problems) == [(1, "frames"), (2, "frames")]
        repaired = gallery.check(repair=True)
        assert (len(repaired.repaired), repaired.problems) == (2, ())
        assert names(gallery.search_videos(library / "part.mkv"))[0] == "film.mp4"


def test_animations_and_folders_of_frames(library: Path, tmp_path: Path) -> None:
    """An animation is an image that moves; a folder of numbered frames is one video, and is looked after as one."""
    frames = pan("coffee.png", 6)
    still, *rest = [PIL.Image.fromarray(frame) for frame in frames[10:50]]
    still.save(tmp_path / "moves.gif", save_all=True, append_images=rest, duration=100)
    folder = tmp_path / "numbered"
    folder.mkdir()
    for number, frame in enumerate(frames):
        PIL.Image.fromarray(frame).save(folder / f"{number:03}.jpg", quality=92)
    with Gallery.create(tmp_path / "g", [DESCRIPTOR]) as gallery:
        gallery.add(tmp_path / "moves.gif")
        assert gallery.add_frames(folder, fps=FPS).added == 1
        gif, numbered = gallery
        assert (gif.codec, gif.frames, gif.is_video) == (None, 40, False)
        assert gif.duration == pytest.approx(4, abs=0.1)
        assert (numbered.path, numbered.is_video, numbered.fps) == (str(folder), True, FPS)
        hits = gallery.search_videos(library / "film.mp4")
        assert sorted(names(hits)) == ["moves.gif", "numbered"]
        assert gallery.add_frames(folder, fps=FPS).unchanged == 1
        assert gallery.check(read=True).problems == ()
        PIL.Image.fromarray(frames[0]).save(folder / "000.jpg", quality=30)
        assert [one.what for one in gallery.check().problems] == [str(folder)]
        assert gallery.add_frames(folder, fps=FPS).updated == 1
        assert gallery.check(read=True).problems == ()
    ran = run("index", "--frames", folder, "--fps", FPS, "-g", tmp_path / "h", "--descriptors", DESCRIPTOR)
    assert "1 added" in ran.stdout
    assert "0 images and 1 video" in ran.stdout
    nothing = run("index", "--frames", tmp_path / "g", "-g", tmp_path / "h")
    assert nothing.exit_code != 0


def test_which_files_are_videos(tmp_path: Path) -> None:
    """By name; a source of TypeScript is none, and the movie of a Live Photo belongs to its photograph."""
    folder_of(tmp_path, 1)
    for name in ("a.MP4", "b.webm", "0000.MOV", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "code.ts").write_text("export const x = 1;")
    (tmp_path / "tape.ts").write_bytes(b"G" + bytes(187))
    listed = {Path(one.path).name: one for one in walk([tmp_path], videos=True)}
    assert {name for name, one in listed.items() if isinstance(one, ListedFile) and one.is_video} == {
        "a.MP4",
        "b.webm",
        "tape.ts",
    }
    assert listed["0000.MOV"].reason == "live"
    without = {Path(one.path).name: one for one in walk([tmp_path])}
    assert {name for name, one in without.items() if isinstance(one, Skipped)} == {*listed} - {"0000.jpg"}

"""Faces of a gallery: found among many, grouped under the rule of once a photograph, named, and forgotten for good."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_store import read_card
from lookalike.errors import GalleryError, NoFace, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.faces.forget import _holds
from lookalike.gallery.faces.grouping import group_faces
from lookalike.gallery.index import index_cache
from lookalike.gallery.index.region_index import RegionIndex
from networks import write_card
from portraits import DETECTOR, NAME, drawn_face, drawn_portrait, face_card, install_portraits
from samples import save

CURVE = Calibration(20.0, 10.0, "by hand")


@pytest.fixture(autouse=True)
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Of persons 1, 2 and 3 three portraits each; one group photograph of 1 and 2; and of 9 one, of a bad face one."""
    folder = tmp_path / "photos"
    for who in (1, 2, 3):
        for number in range(3):
            save(folder / f"{who}-{number}.png", drawn_portrait({(number, 1): drawn_face(who, number)}))
    save(folder / "group.png", drawn_portrait({(0, 0): drawn_face(1, 8), (2, 2): drawn_face(2, 8)}))
    save(folder / "nine.png", drawn_portrait({(1, 1): drawn_face(9)}))
    save(folder / "bad.png", drawn_portrait({(1, 1): drawn_face(1, 3, "turned")}))
    return folder


@pytest.fixture
def gallery(tmp_path: Path, photos: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "g", [NAME]) as opened:
        opened.add(photos)
        yield opened


def names(paths: Iterable[str]) -> set[str]:
    return {Path(one).stem for one in paths}


def by_path(gallery: Gallery) -> dict[str, set[str]]:
    """Name or number of each person -> names of the images."""
    return {one.name or str(one.number): names(face.path for face in one.faces) for one in gallery.persons()}


def test_persons_are_grouped_and_the_rest_stays_alone(gallery: Gallery) -> None:
    """Three persons; who is there once is in no group, and a bad face in none either."""
    report = gallery.group_faces()
    assert sorted(map(sorted, by_path(gallery).values())) == [
        ["1-0", "1-1", "1-2", "group"],
        ["2-0", "2-1", "2-2", "group"],
        ["3-0", "3-1", "3-2"],
    ]
    assert (report.grouped, report.alone, report.flawed) == (11, 1, 1)
    assert all(face.source == "grouped" and face.probability > 0.9 for one in report.persons for face in one.faces)


def test_names_stay_and_are_handed_on(gallery: Gallery, photos: Path) -> None:
    """A group is named; an image that comes later is of that person, with a probability; `where` finds both."""
    gallery.group_faces()
    number = next(one.number for one in gallery.persons() if "1-0" in names(face.path for face in one.faces))
    assert len(gallery.name_group(number, "Ada").faces) == 4
    save(photos / "late.png", drawn_portrait({(1, 1): drawn_face(1, 17)}))
    gallery.add(photos)
    gallery.group_faces()
    late = next(face for face in gallery.find_person("Ada").faces if Path(face.path).stem == "late")
    assert late.source == "grouped"
    assert 0.9 < late.probability < 1
    assert names(row.path for row in gallery.rows("person = 'Ada'")) == {"1-0", "1-1", "1-2", "group", "late"}
    assert len(list(gallery.rows("person is null"))) == 8
    assert names(row.path for row in gallery.rows("faces = 2")) == {"group"}
    hit = gallery.search_faces(photos / "late.png", 2)[1]
    assert (hit.person, hit.face.number) == ("Ada", 1)


def test_numbers_of_groups_stay_where_most_of_their_faces_do(gallery: Gallery, photos: Path) -> None:
    """Grouped twice, with one image more: no number changes hands."""
    gallery.group_faces()
    before = by_path(gallery)
    save(photos / "3-9.png", drawn_portrait({(1, 1): drawn_face(3, 21)}))
    gallery.add(photos)
    gallery.group_faces()
    assert {number: images - {"3-9"} for number, images in by_path(gallery).items()} == before


def test_a_persons_word_goes_before_any_vector(gallery: Gallery, photos: Path) -> None:
    """Two of one face named as two persons are two; a face said to be nobody's is in no group."""
    gallery.name_face(photos / "1-0.png", "Ada")
    gallery.name_face(photos / "1-1.png", "Eve")
    gallery.name_face(photos / "3-0.png", None)
    gallery.group_faces()
    found = by_path(gallery)
    assert "1-0" in found["Ada"] - found["Eve"]
    assert "1-1" in found["Eve"] - found["Ada"]
    assert {"3-1", "3-2"} in found.values()


def test_two_groups_of_one_name_are_one_person(gallery: Gallery) -> None:
    """And in the photograph that shows both, both are by the user's word."""
    gallery.group_faces()
    for one in gallery.persons()[:2]:
        gallery.name_group(one.number, "Ada")
    assert len(gallery.find_person("Ada").faces) == 8
    gallery.group_faces()
    assert len(gallery.find_person("Ada").faces) == 8


def test_mistakes_are_named(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """No such group, person, face or descriptor; a name that is none; a query without a face."""
    with pytest.raises(UserError, match="no group 99"):
        gallery.name_group(99, "Ada")
    with pytest.raises(UserError, match="no person 'Ada'; there are: none"):
        gallery.find_person("Ada")
    with pytest.raises(UserError, match=r"group\.png: shows 2 faces; say which one"):
        gallery.name_face(photos / "group.png", "Ada")
    with pytest.raises(UserError, match="none is number 3"):
        gallery.name_face(photos / "group.png", "Ada", number=3)
    with pytest.raises(UserError, match="must be a text"):
        gallery.name_face(photos / "1-0.png", " 7 ")
    with pytest.raises(NoFace):
        gallery.search_faces(save(tmp_path / "wall.png", drawn_portrait({})))
    with (
        Gallery.create(tmp_path / "without", ["colour"]) as other,
        pytest.raises(UserError, match=f"lookalike index --gallery .* --with {NAME}"),
    ):
        other.group_faces(by=NAME)


def test_a_face_is_found_among_many_with_its_box(gallery: Gallery, photos: Path) -> None:
    """The second face of a group photograph; bad faces are found by none; a filter leaves the others out."""
    hits = gallery.search_faces(photos / "2-0.png", 20)
    assert Path(hits[0].path).stem == "2-0"
    assert names(hit.path for hit in hits[:4]) == {"2-0", "2-1", "2-2", "group"}
    group = next(hit for hit in hits if Path(hit.path).stem == "group" and hit.distance < 0.2)
    assert (group.face.box.x, group.face.box.y) == pytest.approx((192, 192), abs=0.01)
    assert "bad" not in names(hit.path for hit in hits)
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)
    assert hits[3].probability > 0.9 > 0.1 > hits[4].probability
    only = gallery.search_faces(photos / "2-0.png", 20, where="path like '%/3-%'")
    assert names(hit.path for hit in only) == {"3-0", "3-1", "3-2"}


def test_faces_come_later_and_go_with_their_images(tmp_path: Path, photos: Path) -> None:
    """Added to a gallery afterwards; a copy of a file takes them over; a removed image takes its own along."""
    with Gallery.create(tmp_path / "later", ["colour"]) as gallery:
        gallery.add(photos)
        gallery.add_descriptor(NAME)
        (photos / "copy.png").write_bytes((photos / "group.png").read_bytes())
        gallery.add(photos)
        assert names(row.path for row in gallery.rows("faces = 2")) == {"group", "copy"}
        gallery.group_faces()
        assert {"1-0", "1-1", "1-2", "group", "copy"} in by_path(gallery).values()
        gallery.remove(photos / "group.png")
        gallery.group_faces()
        assert "group" not in set().union(*by_path(gallery).values())
        assert gallery.check().problems == ()


def every_byte(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_a_person_is_forgotten_to_the_last_byte(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Her vectors were in the store and in a saved index, and are in no file any more, nor found; others stay."""
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 0)
    (photos / "copy.png").write_bytes((photos / "1-0.png").read_bytes())
    gallery.add(photos)
    gallery.search_faces(photos / "1-0.png")
    assert list((gallery.path / "index").glob(f"{NAME}.*.faiss"))
    gallery.group_faces()
    number = next(one.number for one in gallery.persons() if "1-0" in names(face.path for face in one.faces))
    gallery.name_group(number, "Ada")
    gallery.name_face(photos / "copy.png", None)  # its vector is the same all the same
    with sqlite3.connect(gallery.path / "gallery.sqlite") as raw:
        query = "SELECT data FROM regions r JOIN images i ON i.id = r.image_id WHERE i.name LIKE ?"
        ((ada,),) = raw.execute(query, ("%/1-0.png",)).fetchall()
        ((other,),) = raw.execute(query, ("%/3-0.png",)).fetchall()
    raw.close()
    assert ada[-128:] in every_byte(gallery.path)
    report = gallery.forget_person("Ada")
    assert (report.person, report.faces, report.images) == ("Ada", 5, 5)
    assert report.alike == ()
    left = every_byte(gallery.path)
    assert ada[-128:] not in left
    assert not any(ada[-128:][at : at + 32] in left for at in range(0, 128, 32))
    assert other[-128:] in left
    assert not list((gallery.path / "index").glob(f"{NAME}.*"))
    assert names(hit.path for hit in gallery.search_faces(photos / "1-1.png", 20)).isdisjoint({"1-0", "1-1", "1-2"})
    gallery.group_faces()
    assert sorted(map(sorted, by_path(gallery).values())) == [["2-0", "2-1", "2-2", "group"], ["3-0", "3-1", "3-2"]]
    assert gallery.add(photos).added == 0
    assert gallery.check().problems == ()
    with pytest.raises(UserError, match="was forgotten"):
        gallery.name_face(photos / "1-0.png", "Ada")


def test_forgetting_waits_for_no_reader_and_says_so(gallery: Gallery, photos: Path) -> None:
    """Another process that still reads the old state keeps it in the log: that is an error, and not silence."""
    gallery.name_face(photos / "1-0.png", "Ada")
    reader = sqlite3.connect(gallery.path / "gallery.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM images").fetchall()
    gallery._library.store._db._db.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(GalleryError, match="another process"):
        gallery.forget_person("Ada")
    reader.close()


def test_a_crowd_seen_twice_and_its_copy(tmp_path: Path) -> None:
    """Thirty-six faces in one photograph, again in another, and the first file once more: thirty-six persons, each in
    all three, and nobody twice in one."""
    places = [(column, row) for row in range(6) for column in range(6)]
    for name, order in (("a", range(36)), ("b", range(35, -1, -1))):
        placed = {places[at]: drawn_face(100 + who, at) for at, who in enumerate(order)}
        save(tmp_path / "crowd" / f"{name}.png", drawn_portrait(placed, side=576))
    (tmp_path / "crowd" / "copy.png").write_bytes((tmp_path / "crowd" / "a.png").read_bytes())
    with Gallery.create(tmp_path / "many", [NAME]) as gallery:
        assert gallery.add(tmp_path / "crowd").added == 3
        report = gallery.group_faces()
        assert (len(report.persons), report.grouped) == (36, 108)
        assert all(len(one.faces) == len(names(face.path for face in one.faces)) == 3 for one in report.persons)
        number = report.persons[0].number
        assert gallery.forget_person(str(number)).images == 3


def test_vectors_of_another_network_go_as_well(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """A gallery that holds faces by two of them: the face at the same place loses its vector in both, no other does."""
    install_portraits(tmp_path / "models", "others")
    gallery.add_descriptor("others")
    gallery.name_face(photos / "group.png", "Ada", number=1)
    before = vectors_of(gallery, "group", "others")
    gallery.forget_person("Ada")
    after = vectors_of(gallery, "group", "others")
    assert [bool(vector.strip(b"\0")) for vector in after] == [False, True]
    assert before[0][:32] not in every_byte(gallery.path)
    assert [one.face.flaw for one in gallery.faces_of(photos / "group.png", by="others")] == ["forgotten", None]


def test_faces_that_stay_and_may_be_hers_are_told(gallery: Gallery, photos: Path) -> None:
    """Nobody grouped them: only the one that was named goes, and the others of the person are named in the report."""
    gallery.name_face(photos / "1-0.png", "Ada")
    report = gallery.forget_person("Ada")
    assert report.faces == 1
    assert names(hit.path for hit in report.alike) == {"1-1", "1-2", "group"}
    assert all(hit.probability >= 0.5 for hit in report.alike)


def test_a_forgetting_that_was_broken_off_is_finished(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the deletion and the sweep, it is said again, and then no part of a vector is left."""
    gallery.name_face(photos / "1-0.png", "Ada")
    vector = vectors_of(gallery, "1-0")[0]
    with monkeypatch.context() as patch:
        patch.setattr(gallery._library.store, "vacuum", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gallery.forget_person("Ada")
    assert gallery.persons() == ()
    with pytest.raises(UserError, match="no person 'Eve'"):
        gallery.forget_person("Eve")
    assert gallery.forget_person("Ada").faces == 0
    assert vector[:32] not in every_byte(gallery.path)
    with pytest.raises(UserError, match="no person 'Ada'"):
        gallery.forget_person("Ada")


def interrupted() -> None:
    raise KeyboardInterrupt


def test_an_index_that_is_written_meanwhile_keeps_nothing(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process had read the vectors, and writes its index just after they were forgotten: it does not stay."""
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 0)
    gallery.name_face(photos / "1-0.png", "Ada")
    save_index, forgotten = RegionIndex.save, []

    def saved(index: RegionIndex, file: Path) -> None:
        if not forgotten:
            forgotten.append(gallery.forget_person("Ada"))
        save_index(index, file)

    with Gallery.open(gallery.path) as other:
        monkeypatch.setattr(RegionIndex, "save", saved)
        other.search_faces(photos / "2-0.png", 1)
    assert forgotten[0].faces == 1
    assert list((gallery.path / "index").glob(f"{NAME}.*.faiss")) == []


def test_words_outlive_another_version_of_the_network(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Names, nobody's faces and what was forgotten stay, by the place of the face, though all vectors are new."""
    gallery.name_face(photos / "group.png", "Ada", number=1)
    gallery.name_face(photos / "nine.png", None)
    gallery.name_face(photos / "3-0.png", "Eve")
    gallery.forget_person("Eve")
    ada = next(one.face.box for one in gallery.faces_of(photos / "group.png") if one.name == "Ada")
    gallery.close()
    content = {**face_card((tmp_path / "models" / DETECTOR).read_bytes())}
    content["sha256"] = read_card(tmp_path / "models" / f"{NAME}.toml").sha256
    content["outputs"][NAME]["version"] = 2
    write_card(tmp_path / "models" / f"{NAME}.toml", content)
    assert Gallery.upgrade(gallery.path).replaced == (NAME,)
    with Gallery.open(gallery.path) as upgraded:
        assert upgraded.persons() == ()
        upgraded.describe_lacking()
        assert [one.name for one in upgraded.persons()] == ["Ada"]
        named = {one.name: one.face.box for one in upgraded.faces_of(photos / "group.png")}
        assert named["Ada"] == ada
        assert upgraded.faces_of(photos / "nine.png")[0].source == "user"
        (gone,) = upgraded.faces_of(photos / "3-0.png")
        assert gone.face.flaw == "forgotten"
        assert not vectors_of(upgraded, "3-0")[0].strip(b"\0")
        assert vectors_of(upgraded, "3-1")[0].strip(b"\0")
        upgraded.group_faces()
        assert "group" in names(face.path for face in upgraded.find_person("Ada").faces)
        assert upgraded.forget_person("Ada").faces >= 1


def test_names_stay_when_a_file_is_changed_and_not_when_it_is_another(gallery: Gallery, photos: Path) -> None:
    """A photograph that is saved again brighter keeps what was said of it; another one of that file name does not."""
    gallery.name_face(photos / "1-0.png", "Ada")
    gallery.name_face(photos / "2-0.png", "Eve")
    brighter = drawn_portrait({(0, 1): drawn_face(1, 0)})
    brighter[..., :2] = np.clip(brighter[..., :2].astype(int) + 9, 0, 255)
    save(photos / "1-0.png", brighter)
    save(photos / "2-0.png", drawn_portrait({(0, 1): drawn_face(77)}))
    assert gallery.add(photos).updated == 2
    assert [(one.name, one.source) for one in gallery.faces_of(photos / "1-0.png")] == [("Ada", "user")]
    assert [(one.name, one.source) for one in gallery.faces_of(photos / "2-0.png")] == [(None, None)]


def test_who_was_forgotten_stays_so_when_the_file_changes(gallery: Gallery, photos: Path) -> None:
    """Saved again brighter, twice, and through a file that shows nobody; at another place it is another face."""
    gallery.name_face(photos / "1-0.png", "Ada")
    gallery.forget_person("Ada")
    brighter = drawn_portrait({(0, 1): drawn_face(1, 0)})
    for change in (
        np.clip(brighter.astype(int) + 9, 0, 255).astype(np.uint8),
        np.full_like(brighter, 90),
        brighter,
    ):
        save(photos / "1-0.png", change)
        assert gallery.add(photos).updated == 1
        faces = gallery.faces_of(photos / "1-0.png")
        assert [(one.name, one.face.flaw) for one in faces] in ([(None, "forgotten")], [])
        assert not any(vector.strip(b"\0") for vector in vectors_of(gallery, "1-0")[: len(faces)])
    assert len(faces) == 1
    save(photos / "1-0.png", drawn_portrait({(1, 0): drawn_face(3, 2)}))
    gallery.add(photos)
    assert [one.face.flaw for one in gallery.faces_of(photos / "1-0.png")] == [None]


def vectors_of(gallery: Gallery, name: str, by: str = NAME) -> list[bytes]:
    """The bytes of the vectors of the image of this name."""
    row = next(row for row in gallery.rows() if Path(row.path).stem == name)
    ((_, vectors),) = next(iter(gallery._library.store.regions.vectors_of(by, [row.id])))
    return [vector.tobytes() for vector in vectors]


def test_a_trace_is_seen_wherever_it_lies() -> None:
    """At any offset; what only begins like it is none."""
    piece = bytes(np.random.default_rng(0).integers(0, 256, 32, np.uint8))
    for shift in range(17):
        assert _holds(bytes(shift) + piece + b"end", {piece})
    assert not _holds(bytes(5) + piece[:31] + bytes(9), {piece})
    assert not _holds(b"", {piece})


def unit(*angles: float) -> np.ndarray:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)


def test_a_chain_joins_nobody() -> None:
    """Four vectors, each near to the next: the ends are too far apart for one group."""
    groups = group_faces(unit(0, 0.6, 1.2, 1.8), np.arange(4), [None] * 4, CURVE)
    assert sorted(groups) == [[0, 1], [2, 3]]


def test_nobody_is_twice_in_a_photograph() -> None:
    """The same vector twice in one image: only the one can be in the group."""
    groups = group_faces(unit(0, 0, 0.01), np.array([1, 1, 2]), [None] * 3, CURVE)
    assert len(groups) == 1
    assert len(groups[0]) == 2
    assert 2 in groups[0]


def test_two_names_are_two_persons() -> None:
    """However near they are."""
    assert group_faces(unit(0, 0.01), np.arange(2), [7, 8], CURVE) == []
    assert group_faces(unit(0, 0.01), np.arange(2), [7, None], CURVE) == [[0, 1]]


def test_the_more_faces_the_nearer_a_pair_must_be() -> None:
    """The same two among two, and among three thousand that are like no other."""
    pair = np.zeros((2, 3), np.float32)
    pair[:, :2] = unit(0, 0.95)
    others = np.zeros((3_000, 3), np.float32)
    assert group_faces(pair, np.arange(2), [None] * 2, CURVE) == [[0, 1]]
    many = np.concatenate([pair, others])
    images = np.concatenate([np.arange(2), np.full(3_000, 5)])
    assert group_faces(many, images, [None] * len(many), CURVE) == []

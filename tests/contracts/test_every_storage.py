"""The contract of storage (gallery/storage/base.py), run over every engine that keeps it."""

from __future__ import annotations

import inspect
import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from engines import ENGINES
from lookalike.comparison.calibration import Calibration
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.region_model import NO_CLASS, Regions
from lookalike.descriptors.sound import SoundDescription
from lookalike.descriptors.video import VideoDescription
from lookalike.errors import GalleryVersion, UserError
from lookalike.gallery.storage import base
from lookalike.gallery.storage.base import GalleryStorage, NewGallery, NewImage, PackedRegions, Prediction, Tuning
from lookalike.gallery.storage.engines import engine_of
from lookalike.gallery.storage.frame_codec import packed as packed_frames
from lookalike.gallery.storage.region_codec import packed
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sound_codec import packed as packed_sound
from lookalike.paths import WalkPatterns
from lookalike.types import Failure, Label

BITS = DescriptorCard("bits", 1, "hamming", 64, 64, 1, 0.1, 32.0, "none")
FLOATS = DescriptorCard("floats", 3, "cosine", 4, 64, 1, 0.1, 1.0, "none")
PARTS = DescriptorCard("parts", 1, "cosine", 4, 64, 1, 0.1, 1.0, "none")

Open = Callable[[], GalleryStorage]


@pytest.fixture(params=ENGINES)
def opening(request: pytest.FixtureRequest) -> Open:
    """An empty gallery that holds three descriptors and keypoints; each call opens it once more."""
    place = request.param(request)
    new = NewGallery([BITS, FLOATS, PARTS], {"parts": ["cat", "dog"]}, keypoints=True)
    engine_of(place).create_storage(place, new)
    return lambda: engine_of(place).open_storage(place)


@pytest.fixture
def store(opening: Open) -> Iterator[GalleryStorage]:
    opened = opening()
    yield opened
    opened.close()


def row(number: int, sha256: str = "", **others: object) -> Row:
    """An image of number x 10 pixels width."""
    plain = Row(
        0, f"/photos/{number}.jpg", sha256 or f"sha{number}", 100 + number, 5, 10 * number, 40, "JPEG", None, None,
        frames=number, damage="scans are missing" if number > 1 else None,
    )  # fmt: skip
    return replace(plain, **others)


def image(number: int, sha256: str = "", contrast: float = 1.0, **others: object) -> NewImage:
    """One with a vector of each kind, keypoints and two regions; its numbers are made of ``number``."""
    bits = np.full(8, number, np.uint8).tobytes()
    floats = np.full(4, number, np.float16).tobytes()
    boxes, one = np.zeros((2, 4), np.float32), np.zeros(2, np.float32)
    regions = Regions(boxes, one, np.full(2, NO_CLASS), np.eye(2, 4, dtype=np.float32))
    vectors = {"bits": (bits, contrast), "floats": (floats, contrast)}
    parts = {"parts": PackedRegions(packed(regions), {"": 2, "cat": number})}
    return NewImage(
        row(number, sha256, **others), vectors, b"keypoints", parts, classes={"floats": bytes([number] * 4)}
    )


def filled(store: GalleryStorage, *numbers: int) -> list[int]:
    with store.transaction():
        return [store.put(image(number)) for number in numbers]


def test_patterns_of_roots(opening: Open) -> None:
    """They are kept by folder, whatever bytes its name has; those of none are forgotten."""
    store, odd = opening(), os.fsdecode(b"/caf\xe9")
    with store.transaction():
        store.put_patterns("/photos", WalkPatterns(("*.png",), (".*",)))
        store.put_patterns(odd, WalkPatterns(("é",)))
    store.close()
    store = opening()
    assert store.patterns() == {"/photos": WalkPatterns(("*.png",), (".*",)), odd: WalkPatterns(("é",))}
    with store.transaction():
        store.put_patterns("/photos", WalkPatterns())
    assert list(store.patterns()) == [odd]
    store.close()


def test_a_name_is_found_however_it_is_composed(store: GalleryStorage) -> None:
    """The exact path first; then the one that differs by how accents are written, unless there are two."""
    apart, whole = (unicodedata.normalize(form, "/photos/é.jpg") for form in ("NFD", "NFC"))
    with store.transaction():
        store.put(image(1, path=apart))
    assert store.row_of(whole) is None
    assert (store.row_named(whole).path, store.row_named(apart).path) == (apart, apart)
    assert [store.rows(store.select(f"path = '{one}'"))[1].path for one in (apart, whole)] == [apart, apart]
    with store.transaction():
        store.put(image(2, path=whole))
        store.put(image(3, path=unicodedata.normalize("NFD", "/photos/é.jpg") + "\u0301"))
    assert (store.row_named(whole).path, store.row_named(apart).path) == (whole, apart)
    assert store.row_named("/photos/none é.jpg") is None


def test_it_has_every_part_of_the_contract(store: GalleryStorage) -> None:
    """Each method of each protocol is there, with the same parameters."""
    parts = {
        base.RowStorage: store, base.VectorStorage: store, base.FittedStorage: store, base.GalleryStorage: store,
        base.RegionStorage: store.regions, base.LabelStorage: store.labels, base.FrameStorage: store.frames,
        base.ItemStorage: store.items,
        base.SoundStorage: store.sounds,
    }  # fmt: skip
    for protocol, part in parts.items():
        for name, method in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                expected = list(inspect.signature(method).parameters)[1:]
                assert expected == list(inspect.signature(getattr(part, name)).parameters), f"{protocol}.{name}"


def test_items_of_a_catalogue(store: GalleryStorage) -> None:
    """They are written in place of what has their code, know those of their files that are images, and can go."""
    shirt = base.Item("A", "Red shirt", ("/photos/1.jpg", "/photos/9.jpg"), {"price": 9.5, "size": "M"})
    with store.transaction():
        first = store.put(image(1))
        store.items.put_columns({"price": "number", "size": "text"})
        store.items.put(shirt)
        store.items.put(base.Item("B", "Hat of red wool", ("/photos/8.jpg",), {}))
    codes = store.items.codes()
    assert store.items.of_ids([codes["A"]]) == {codes["A"]: shirt}
    assert [part.tolist() for part in store.items.images()] == [[codes["A"]], [first]]
    assert store.items.without_image() == ["B"]
    assert store.select("item.price > 9 and not item.size = 'L'").tolist() == [first]
    assert store.select("item.price is null").tolist() == []
    assert (store.items.number("A"), store.items.number("nothing")) == (codes["A"], None)
    revision, every = store.items.since(0)
    assert list(every) == sorted(codes.values())
    files = store.items.files_version()
    with store.transaction():
        store.items.put(replace(shirt, title="Coat", files=("/photos/8.jpg",), values={"price": 2.0}))
    assert store.items.codes() == codes
    latest, changed = store.items.since(revision)
    assert (latest > revision, list(changed)) == (True, [codes["A"]])
    assert store.items.files_version() > files
    assert store.select("item.price is null").tolist() == [first]
    with store.transaction():
        assert store.items.forget(["A", "nothing"]) == 1
    assert store.items.count() == 1
    assert store.check() == "ok"


def test_rows(store: GalleryStorage) -> None:
    """What is written is read back, by id, path and content; a later image has a larger id; what is gone is gone."""
    first, second = filled(store, 1, 2)
    assert 0 < first < second == store.last_id()
    assert store.count() == 2
    assert store.rows([second, first, 999]) == {
        first: replace(row(1), id=first), second: replace(row(2), id=second)
    }  # fmt: skip
    assert store.row_of("/photos/2.jpg") == store.rows([second])[second]
    assert store.row_of("/photos/none.jpg") is None
    assert [one.id for one in store.every_row()] == [first, second]
    assert [one.id for one in store.same_bytes("sha1")] == [first]
    assert store.sha256_by_size(101) == {"sha1"}
    assert store.digests() == {"sha1", "sha2"}
    with store.transaction():
        assert store.forget(["/photos/1.jpg", "/photos/none.jpg"]) == 1
        again = store.put(image(1))
    assert again > second
    assert [one.id for one in store.every_row()] == [second, again]


def test_another_image_at_the_same_path(store: GalleryStorage) -> None:
    """It takes the place of the first, under a new id, and the old id is told as removed."""
    (first,) = filled(store, 1)
    before = store.last_removal()
    with store.transaction():
        second = store.put(image(1, sha256="other"))
    assert [one.sha256 for one in store.every_row()] == ["other"]
    last, gone = store.removed_since(before)
    assert gone.tolist() == [first]
    assert (last, second > first) == (store.last_removal(), True)
    assert store.removed_since(last)[1].tolist() == []


def test_same_bytes_elsewhere(store: GalleryStorage) -> None:
    """A copy takes over vectors, keypoints and regions; a moved file keeps its id."""
    (first,) = filled(store, 3)
    with store.transaction():
        second = store.put_copy(row(4, sha256="sha3"), first)
        store.move(first, "/elsewhere/3.jpg", 7)
        store.touch(second, 9)
    assert store.repeated_bytes() == [[first, second]]
    assert store.vector("floats", first) is not None
    assert store.vector("floats", second) == store.vector("floats", first)
    assert store.keypoints(second) == b"keypoints"
    assert [number for number, _ in store.regions.of_images("parts", [first, second])] == [first, second]
    assert [(one.path, one.mtime_ns) for one in store.every_row()] == [("/elsewhere/3.jpg", 7), ("/photos/4.jpg", 9)]


def test_vectors_of_several_kinds(store: GalleryStorage) -> None:
    """Each kind by id, from behind an id, for given ids, and without those of too little contrast."""
    with store.transaction():
        ids = [store.put(image(n, contrast=contrast)) for n, contrast in ((1, 1.0), (2, 0.05), (3, 1.0))]
    everything, vectors = store.vectors("floats", dtype=np.float16)
    assert everything.tolist() == ids
    np.testing.assert_array_equal(vectors, np.repeat([[1], [2], [3]], 4, axis=1))
    assert store.vectors("floats", contrast=0.1, dtype=np.float16)[0].tolist() == [ids[0], ids[2]]
    assert store.vectors("floats", after=ids[0], limit=1, dtype=np.float16)[0].tolist() == [ids[1]]
    chosen, bits = store.vectors_of("bits", [ids[2], 999], dtype=np.uint8)
    assert (chosen.tolist(), bits.tolist()) == ([ids[2]], [[3] * 8])
    assert store.vectors_of("bits", ids, contrast=0.1, dtype=np.uint8)[0].tolist() == [ids[0], ids[2]]
    assert store.vector("bits", ids[1]) == (bytes([2] * 8), pytest.approx(0.05))
    assert store.vector("bits", 999) is None


def test_classes_beside_vectors(store: GalleryStorage) -> None:
    """They come and go with the vector that they were given with, are taken over by a copy, and come later with it."""
    first, second = filled(store, 1, 2)
    with store.transaction():
        third = store.put_copy(row(4, sha256="sha1"), first)
        store.put_descriptor(replace(FLOATS, name="later"))
        store.put_vectors("later", {first: (bytes(8), 1.0), second: (bytes(8), 1.0)}, {second: b"late"})
    kept = {first: bytes([1] * 4), second: bytes([2] * 4), third: bytes([1] * 4)}
    assert store.classes_of("floats", [first, second, third, 999]) == kept
    assert store.classes_of("bits", [first, second]) == {}
    assert store.classes_of("later", [first, second]) == {second: b"late"}
    with store.transaction():
        store.forget_vectors("floats", [first])
        store.forget(["/photos/2.jpg"])
    assert store.classes_of("floats", [first, second, third]) == {third: kept[third]}


def test_a_descriptor_that_comes_later(store: GalleryStorage) -> None:
    """Images without its vector are told; what is added is read back; what is there, or gone, stays as it is."""
    ids = filled(store, 1, 2, 3)
    later = replace(FLOATS, name="later")
    with store.transaction():
        store.put_descriptor(later)
    assert list(store.fingerprints()) == ["bits", "floats", "parts", "later"]
    assert store.fingerprints()["later"] == later.fingerprint
    assert store.lacking("later") == ids
    vector = np.ones(4, np.float16).tobytes()
    with store.transaction():
        store.put_vectors("later", {ids[0]: (vector, 0.5), 999: (vector, 0.5)})
        store.put_vectors("later", {ids[0]: (bytes(8), 0.9)})
    assert store.lacking("later") == ids[1:]
    assert (store.backfills("later") > 0, store.backfills("bits")) == (True, 0)
    assert store.lacking("bits") == []
    assert store.vector("later", ids[0]) == (vector, 0.5)


def film(number: int, **others: object) -> NewImage:
    """A video of three frames, whose vectors are made of ``number``."""
    vectors = np.full((3, 4), number, np.float16)
    frames = VideoDescription(np.arange(3, dtype=np.float32), vectors)
    moving = {"codec": "h264", "duration": 3.0 * number, "fps": 25.0, "bitrate": 1_000, **others}
    return NewImage(row(number, path=f"/films/{number}.mp4", **moving), {}, frames={"floats": packed_frames(frames)})


def test_videos(store: GalleryStorage) -> None:
    """Rows with frames in place of vectors: they lack none, are told in the order in which they came, and go with their
    row, with a version of their descriptor, or when they are forgotten."""
    (image_id,) = filled(store, 1)
    with store.transaction():
        first, second = (store.put(film(number)) for number in (2, 3))
        copy = store.put_copy(film(4, sha256="sha2").row, first)
    assert (store.frames.videos(), store.frames.images("floats")) == (3, [first, second, copy])
    assert (store.lacking("floats"), store.frames.lacking("floats")) == ([], [])
    assert (store.lacking("parts"), store.repeated_bytes()) == ([], [])
    rows = store.frames.since("floats", 0, 2)
    assert [number for _, number, _ in rows] == [first, second]
    assert [number for _, number, _ in store.frames.since("floats", rows[-1][0], 9)] == [copy]
    assert store.frames.of_image("floats", copy).vectors.tolist() == [[2] * 4] * 3
    assert store.frames.of_image("floats", image_id) is None
    assert store.select("duration >= 9 and codec = 'h264'").tolist() == [second, copy]
    assert store.rows([second])[second].duration == 9.0
    with store.transaction():
        store.forget(["/films/2.mp4"])
        store.frames.forget("floats", [second])
    assert (store.frames.images("floats"), store.frames.lacking("floats")) == ([copy], [second])
    with store.transaction():
        store.replace_descriptor(replace(FLOATS, version=9))
    assert store.frames.lacking("floats") == [second, copy]


def test_sounds(store: GalleryStorage) -> None:
    """Of each video that was asked for it, whether there is any or not; they go with their row."""
    words = np.arange(5, dtype=np.uint32)
    sound = SoundDescription(words, words + 1, np.full(5, 60, np.uint8), "broken off")
    with store.transaction():
        first, second, third = (
            store.put(replace(film(number), sound=data))
            for number, data in ((2, packed_sound(sound)), (3, packed_sound(None)), (4, None))
        )
        copy = store.put_copy(film(5, sha256="sha2").row, first)
    assert (store.sounds.videos(), store.sounds.lacking()) == ([first, second, copy], [third])
    found = store.sounds.of_video(copy)
    assert (found.bits.tolist(), found.known.tolist()) == (words.tolist(), (words + 1).tolist())
    assert (found.loudness.tolist(), found.problem) == ([60] * 5, "broken off")
    assert [store.sounds.of_video(one) for one in (second, third)] == [None, None]
    with store.transaction():
        store.sounds.put(second, None)
        store.sounds.put(third, b"no sound at all")
        store.sounds.forget([second])
        store.forget(["/films/2.mp4"])
    assert (store.sounds.videos(), store.sounds.lacking(), store.sounds.damaged()) == ([third, copy], [second], [third])


def test_a_version_takes_the_place_of_another(opening: Open, store: GalleryStorage) -> None:
    """Its vectors, classes, regions and objects are gone, others are not; it keeps its place in the order; who has the
    earlier version open can neither read the new vectors nor write earlier ones; a third version is no different."""
    first, second = filled(store, 1, 2)
    other = opening()
    for version in (4, 5):
        with store.transaction():
            store.replace_descriptor(replace(FLOATS, version=version))
            store.replace_descriptor(replace(PARTS, version=version))
            store.regions.mark({"parts": ["cat", "dog"]})
        assert list(store.fingerprints()) == ["bits", "floats", "parts"]
        assert store.fingerprints()["floats"] == replace(FLOATS, version=version).fingerprint
        assert store.unfinished() == ["floats", "parts"]
        assert [store.lacking(name) for name in ("bits", "floats", "parts")] == [[], [first, second], [first, second]]
        with store.transaction():
            store.put_vectors("floats", {first: (np.full(4, version, np.float16).tobytes(), 1.0)})
    assert store.regions.objects([first, second]) == {}
    assert store.classes_of("floats", [first, second]) == {}
    assert store.vectors("floats", dtype=np.float16)[1].tolist() == [[5] * 4]
    assert len(store.vectors("bits", dtype=np.uint8)[0]) == 2
    for ask in (
        lambda: other.vectors("floats", dtype=np.float16),
        lambda: other.regions.images("parts"),
        lambda: other.put(image(9)),
    ):
        with pytest.raises(GalleryVersion, match="another process"), other.transaction():
            ask()
    assert len(other.vectors("bits", dtype=np.uint8)[0]) == 2
    with store.transaction():
        store.put_vectors("floats", {second: (bytes(8), 1.0)})
        store.set_finished(["floats"])
    assert store.unfinished() == ["parts"]
    other.close()


def test_regions(store: GalleryStorage) -> None:
    """Read back by image, in the order of writing, with what is seen among them; those that are there stay."""
    ids = filled(store, 1, 2)
    assert list(store.regions.names()) == ["parts"]
    assert (store.regions.described("parts"), store.regions.images("parts"), store.lacking("parts")) == (2, ids, [])
    rows = store.regions.since("parts", 0, 10)
    assert [number for _, number, _ in rows] == ids
    assert rows[0][2].shape == (2, 4)
    assert [number for _, number, _ in store.regions.since("parts", rows[0][0], 10)] == ids[1:]
    (block,) = store.regions.vectors_of("parts", ids)
    assert [number for number, _ in block] == ids
    assert store.regions.objects(ids) == {ids[0]: {"": 2, "cat": 1}, ids[1]: {"": 2, "cat": 2}}
    with store.transaction():
        store.regions.put(ids[0], {"parts": PackedRegions(b"other", {"dog": 9})})
    assert dict(store.regions.of_images("parts", ids[:1]))[ids[0]].vectors.shape == (2, 4)
    assert store.regions.objects(ids[:1]) == {ids[0]: {"": 2, "cat": 1}}


def test_labels(store: GalleryStorage) -> None:
    """By source, by filter and by id; a model's predictions replace those of its older version."""
    a, b, _ = filled(store, 1, 2, 3)
    with store.transaction():
        store.labels.put([(a, Label("cat", 1.0, "csv")), (b, Label("dog", 1.0, "csv"))])
        store.labels.put_classifier("net 1", "net", ["cat", "dog"])
        store.labels.put_predictions(
            "net 1", "net", 1, [Prediction(a, (Label("dog", 0.7, "net 1"),)), Prediction(b, ())]
        )
    assert [number for number, _ in store.labels.of_images()] == [a, b]
    assert dict(store.labels.of_images(ids=[b]))[b].labels == (Label("dog", 1.0, "csv"),)
    assert [number for number, _ in store.labels.of_images(source="net")] == [a]
    assert [number for number, _ in store.labels.of_images("width > 10")] == [b]
    assert store.labels.counts() == {"csv": {"cat": 1, "dog": 1}, "net 1": {"dog": 1}}
    assert len(store.labels.unasked(None, "net 1", 1)) == 1
    with store.transaction():
        store.labels.put_classifier("net 2", "net", ["cat", "dog"])
        store.labels.put_predictions("net 2", "net", 1, [Prediction(a, (Label("cat", 0.9, "net 2"),))])
    assert store.labels.counts() == {"csv": {"cat": 1, "dog": 1}, "net 2": {"cat": 1}}
    assert set(store.labels.classes("net")) == {"net 1", "net 2"}
    with store.transaction():
        store.labels.clear("csv", [a])
        assert store.labels.forget("net") == 1
    assert store.labels.counts() == {"csv": {"dog": 1}}
    assert store.select("label = 'dog'").tolist() == [b]


def test_filters(store: GalleryStorage) -> None:
    """The same language in every engine; ids rise; what does not parse is the user's mistake."""
    ids = filled(store, 5, 1, 3)
    assert store.select().tolist() == ids
    assert store.select("width >= 30").tolist() == [ids[0], ids[2]]
    assert store.select("width = 10 or path like '%/3.jpg'").tolist() == ids[1:]
    assert store.select("not format = 'JPEG'").tolist() == []
    assert store.select("objects >= 2 and object = 'cat'").tolist() == ids
    with pytest.raises(UserError, match="where"):
        store.select("width >")


def test_verdicts(store: GalleryStorage) -> None:
    """A pair is the same whichever way round; the last word counts."""
    with store.transaction():
        store.add_verdicts([("b", "a"), ("c", "d")], "different")
        store.add_verdicts([("a", "b")], "same")
    assert store.verdicts() == [("a", "b", "same"), ("c", "d", "different")]
    assert store.different() == {("c", "d")}
    with store.transaction():
        assert store.remove_verdicts([("d", "c"), ("x", "y")]) == 1
    assert store.verdicts() == [("a", "b", "same")]


def test_what_was_fitted(store: GalleryStorage) -> None:
    """Calibrations replace one another as a whole, tunings one by one."""
    curve = Calibration(2.0, 1.0, "here")
    with store.transaction():
        store.put_calibrations({"blend": curve, "floats": curve})
        store.put_calibrations({"bits": curve})
        store.put_tuning("blend", Tuning(curve, {"bits": 1.0}))
        store.put_tuning("bits", Tuning(curve))
    assert store.calibrations() == {"bits": curve}
    assert store.tunings() == {"bits": Tuning(curve, {}), "blend": Tuning(curve, {"bits": 1.0})}
    with store.transaction():
        assert store.forget_tunings("bits") == 1
        assert store.forget_tunings() == 1
    assert store.tunings() == {}


def test_failures_and_roots(store: GalleryStorage) -> None:
    """A failure is known until its file changes, and gone once the file can be read."""
    with store.transaction():
        store.put_failure(Failure("/photos/1.jpg", "cut short"), 7, 8)
        store.put_root("/photos")
        store.put_root("/photos")
    assert store.known_failure("/photos/1.jpg", 7, 8) == Failure("/photos/1.jpg", "cut short")
    assert store.known_failure("/photos/1.jpg", 7, 9) is None
    assert (store.failures(), store.roots()) == ([Failure("/photos/1.jpg", "cut short")], ["/photos"])
    with store.transaction():
        store.put_patterns("/photos", WalkPatterns(("*.png",)))
        store.forget_root("/photos")
    assert (store.roots(), store.patterns()) == ([], {})
    assert store.totals()["failures"] == 1
    filled(store, 1)
    assert store.failures() == []
    assert store.totals() == {"bytes": 101, "formats": {"JPEG": 1}, "failures": 0, "verdicts": 0}


def test_a_transaction_is_all_or_nothing(store: GalleryStorage) -> None:
    """What was begun before an error leaves no trace."""
    filled(store, 1)
    before = store.version()

    def broken() -> None:
        with store.transaction():
            store.put(image(2))
            store.add_verdicts([("a", "b")], "same")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert (store.count(), store.verdicts(), len(store.vectors("bits", dtype=np.uint8)[0])) == (1, [], 1)
    assert store.version()[0] == before[0]


def test_two_at_once(opening: Open, store: GalleryStorage) -> None:
    """What one connection commits, another sees, and its version changes; within a snapshot it does not."""
    other = opening()
    before = other.version()
    assert before == other.version()
    filled(store, 1)
    assert before != other.version()
    assert other.count() == 1
    with other.snapshot():
        assert len(list(other.every_row())) == 1
        filled(store, 2)
        assert len(list(other.every_row())) == 1
    assert other.count() == 2
    other.close()


def test_reading(opening: Open, store: GalleryStorage) -> None:
    """What was committed before is seen within, and what was committed within behind it."""
    other = opening()
    other.version()
    filled(store, 1)
    with other.reading(), other.reading():
        assert other.count() == 1
        assert [row.path for row in other.every_row()] == [row.path for row in store.every_row()]
        before = other.version()
        filled(store, 2)
    assert (other.count(), other.version() == before) == (2, False)
    other.close()


def test_opened_again(opening: Open, store: GalleryStorage) -> None:
    """Everything is there, it is the same gallery, and it is whole."""
    filled(store, 1, 2)
    again = opening()
    assert (again.uuid(), again.fingerprints()) == (store.uuid(), store.fingerprints())
    assert list(again.every_row()) == list(store.every_row())
    assert again.keeps_keypoints()
    assert again.privacy.retention == "paths"
    assert again.check() == "ok"
    assert again.disk_bytes() > 0
    again.close()


def test_what_a_move_reads(opening: Open, store: GalleryStorage) -> None:
    """All that was said and asked can be listed: failed files, models and their questions, objects by each network, and
    words of faces that are to be found again; and opaque names can be those of another gallery."""
    (one, other) = filled(store, 1, 2)
    word = base.FaceWord(other, (0.125, 0.25, 0.5, 0.5), None, True)
    with store.transaction():
        store.put_failure(Failure("/photos/7.jpg", "cut short"), 7, 8)
        store.labels.put_classifier("m:1", "m", ["rose", "tulip"])
        store.labels.put_predictions(
            "m:1", "m", 3, [Prediction(one, (Label("rose", 0.5, "m:1"),)), Prediction(other, ())]
        )
        store.faces.keep_words("parts", [word])
        store.take_over_names("ab" * 16)
    assert store.failed_files() == [base.FailedFile(Failure("/photos/7.jpg", "cut short"), 7, 8)]
    assert store.labels.classifiers() == [base.Classifier("m:1", "m", ("rose", "tulip"))]
    assert store.labels.asked([other, one, 99]) == [base.Question(one, "m:1", 3), base.Question(other, "m:1", 3)]
    assert store.regions.objects_by("parts", [one, other]) == {one: {"": 2, "cat": 1}, other: {"": 2, "cat": 2}}
    assert [replace(found, number=0) for found in store.faces.pending_words("parts")] == [word]
    again = opening()
    assert (again.privacy.key, store.privacy.key) == ("ab" * 16, "ab" * 16)
    assert again.uuid() != again.privacy.key
    again.close()

"""A template and what fills it in: none of several fillings can be spared."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from filled_in import memes, receipts
from lookalike import Gallery
from lookalike.gallery.dedup.rivals import without_rivals
from lookalike.types import Group, Pair
from samples import photograph, save


def pair(a: str, b: str, relation: str = "edited", edits: tuple[str, ...] = ("overlay",)) -> Pair:
    return Pair(a, b, 0.1, 0.999, relation, edits=edits, verified=True)


def group(*pairs: Pair) -> Group:
    return Group(pairs[0].a, tuple(one.b for one in pairs), pairs)


def test_a_template_filled_in_twice() -> None:
    """Both texts leave the group, and with them the group ends; what is proved to be the same stays."""
    texts, again = [pair("bare", "one"), pair("bare", "two")], pair("bare", "again", "re-encoded", ())
    rivals = {frozenset(("one", "two"))}
    for members, left in (([*texts], []), ([*texts, again], [again])):
        whole = group(*members)
        found = without_rivals([whole], [whole], lambda a, b: frozenset((a, b)) in rivals)
        assert [one for some in found for one in some.pairs] == left


def test_the_one_that_is_kept_has_a_text() -> None:
    """Beside it the bare image is no copy either, for there is another text, which was no copy of it."""
    candidate = Group("one", ("bare", "two"), ())
    verified = group(pair("one", "bare"))
    assert without_rivals([candidate], [verified], lambda a, b: {a, b} == {"one", "two"}) == []


def test_copies_edited_in_different_places() -> None:
    """They are no rivals, and stay."""
    whole = group(pair("bare", "sticker"), pair("bare", "watermark"))
    assert without_rivals([whole], [whole], lambda *_: False) == [whole]


def test_other_edits_are_not_asked_about() -> None:
    """Only what may have added content is held against the others."""
    whole = group(pair("a", "b", "edited", ("blurred",)), pair("a", "c", "crop", ("cropped",)))

    def fail(a: str, b: str) -> bool:
        raise AssertionError((a, b))

    assert without_rivals([whole], [whole], fail) == [whole]


def test_in_a_gallery(tmp_path: Path) -> None:
    """A bare photograph and two memes of it, and three receipts: no group, but for the receipt that was saved again."""
    photos = tmp_path / "photos"
    bare = np.asarray(Pillow.fromarray(photograph("chelsea.png")).resize((640, 426)))
    for number, pixels in enumerate([bare, *memes(), *receipts()]):
        save(photos / f"{number}.png", pixels)
    small = Pillow.fromarray(receipts()[0]).resize((360, 600), Pillow.Resampling.LANCZOS)
    memory = io.BytesIO()
    small.save(memory, "JPEG", quality=80)
    (photos / "small.jpg").write_bytes(memory.getvalue())
    with Gallery.create(tmp_path / "g", descriptors=("colour", "texture", "structure")) as gallery:
        gallery.add([photos])
        (found,) = gallery.duplicates(precision=0.9)
    assert {Path(path).name for path in (found.keep, *found.others)} == {"3.png", "small.jpg"}
    assert found.pairs[0].relation == "re-encoded"

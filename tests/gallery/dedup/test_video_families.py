"""Many copies of one film: one group, and about as many comparisons as there are copies."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("av", reason="videos are written by PyAV")

from lookalike.comparison.video_pair import VideoInput
from lookalike.gallery import Gallery
from lookalike.gallery.dedup import video_duplicates
from lookalike.gallery.search.video_candidates import Candidate, all_of
from lookalike.gallery.storage.row import Row
from videos import pan, write_video

COPIES = 12


def test_many_copies_are_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Around the one of most pixels, which comes last: each is compared with the first and with that one, and with no
    other. What a comparison says of real copies is tested with fewer of them: here it says yes."""
    film = pan("coffee.png", 4)
    (tmp_path / "films").mkdir()
    for number in range(COPIES):
        best = number == COPIES - 1
        frames = film if best else [frame[::2, ::2] for frame in film]
        write_video(tmp_path / "films" / f"{number:02}.mp4", frames, quality=12 + number)
    asked: list[tuple[str, str]] = []

    def all_shared(_query: VideoInput, row: Row, candidate: Candidate, _precision: float) -> video_duplicates._Shared:
        asked.append((Path(row.path).name, Path(candidate.row.path).name))
        return video_duplicates._Shared(row, candidate.row, (all_of(row),))

    monkeypatch.setattr(video_duplicates, "_shared", all_shared)
    with Gallery.create(tmp_path / "g", ("copy",)) as gallery:
        gallery.add(tmp_path / "films")
        (group,) = gallery.video_duplicates(precision=0.5).groups
    assert Path(group.keep).name == f"{COPIES - 1:02}.mp4"
    assert len(group.others) == COPIES - 1
    assert len({frozenset(pair) for pair in asked}) == len(asked) == 2 * COPIES - 3

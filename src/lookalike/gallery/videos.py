"""The verbs of a gallery about its videos."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.dedup.video_duplicates import video_duplicates
from lookalike.gallery.ingest.ingest import add_frame_folder
from lookalike.gallery.library import Library
from lookalike.gallery.search.video_search import VideoSearch
from lookalike.gallery.storage.row import Row
from lookalike.imaging import ImageSource
from lookalike.imaging.video import VideoSource
from lookalike.paths import PathLike
from lookalike.types import AddReport, Progress, VideoDuplicates, VideoHit


class VideoVerbs:
    """What ``Gallery`` says about its videos."""

    _library: Library

    @property
    def video_count(self) -> int:
        """Videos in the gallery."""
        return self._library.store.frames.videos()

    def add_frames(self, folder: PathLike, *, fps: float | None = None, progress: Progress | None = None) -> AddReport:
        """Hold the numbered frames of a folder as one video, at ``fps`` frames a second, 25 if it is not said; its path
        is the folder's. Raises LoadError for a folder without such frames, UserError for a gallery without ``copy``."""
        return add_frame_folder(self._library, folder, fps, progress)

    def search_videos(
        self,
        video: VideoSource | Row,
        k: int = 10,
        *,
        where: str | None = None,
        precision: float = 0.5,
        fps: float | None = None,
    ) -> list[VideoHit]:
        """The videos that share a segment with this one, the surest first, with at least the probability ``precision``;
        behind them those that share sound alone. With 0 also what is near, and shares nothing that is sure.

        ``video``: a file, an animation, a folder of frames, or a row of this gallery, whose frames are known. Stretches
        are found by the stored frames, and a few frames of each are read from both files. ``where``: a filter, as for
        ``search``. ``fps``: of a folder of frames, 25 if it is not said.

        Raises LoadError, MissingDependency without PyAV, UserError for a gallery without ``copy``."""
        return VideoSearch(self._library).by_video(video, k, where, precision, fps)

    def search_in_videos(
        self, image: ImageSource, k: int = 10, *, where: str | None = None, precision: float = 0.5
    ) -> list[VideoHit]:
        """The videos that show this image, or have it as a frame, and when: each hit has one segment."""
        return VideoSearch(self._library).by_image(image, k, where, precision)

    def video_duplicates(
        self,
        *,
        precision: float = 0.99,
        protect: Sequence[PathLike] = (),
        prefer: Sequence[PathLike] = (),
        progress: Progress | None = None,
    ) -> VideoDuplicates:
        """Copies among the videos: whole ones in groups, and which video is kept (by folder, damage, length, pixels,
        frames a second, bitrate), and those that share segments of images or of sound, or have another sound. Pairs
        that a person called different are left out. In a gallery without paths only the same bytes are found.
        ``progress(done, total)`` counts videos."""
        return video_duplicates(self._library, precision, PreferredFolders.of(protect, prefer), progress)

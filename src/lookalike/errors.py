"""One tree of errors. Each says what went wrong, with which file, and what to do.

Each class carries the process exit code of the command line and the status of an HTTP answer, so that
no surface has to translate by hand. ``exit_code``: 1 a file failed, 2 the user's mistake, 3 something
missing outside.
"""

from __future__ import annotations


class LookalikeError(Exception):
    """The root: catch this to catch everything that Lookalike raises on purpose."""

    exit_code = 3
    http_status = 500


class UserError(LookalikeError):
    """The request itself is wrong: an unknown name, a value out of range, a filter that does not parse."""

    exit_code = 2
    http_status = 422


class ImageMissing(UserError):
    """The gallery holds no such image (any more)."""

    http_status = 404


class LoadError(LookalikeError):
    """A file or bytes could not be read as an image. ``reason`` is one short line, without the path."""

    exit_code = 1
    http_status = 422

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class FileMissing(LoadError):
    """The file is not there (any more)."""

    exit_code = 2
    http_status = 404


class FileUnreadable(LoadError):
    """The file is there, but the system does not let us read it, or it is no regular file."""

    exit_code = 2


class NotAnImage(LoadError):
    """The bytes are empty or of no format that we know."""


class DamagedImage(LoadError):
    """The bytes begin like an image, and then are truncated or corrupt."""


class ImageTooLarge(LoadError):
    """More pixels or bytes than the limit: perhaps a decompression bomb."""

    http_status = 413


class NotAVideo(LoadError):
    """The bytes are of no video format that we know, or hold no moving images."""


class DamagedVideo(LoadError):
    """The bytes begin like a video, and then are truncated or corrupt."""


class NoFace(LoadError):
    """The image shows no face, or none that can be compared."""


class GalleryError(LookalikeError):
    """The gallery cannot be used."""


class GalleryMissing(GalleryError):
    """There is no gallery at this place."""

    exit_code = 2
    http_status = 404


class GalleryUnreachable(GalleryError):
    """The server that keeps the gallery does not answer, or not in time, or does not let us in."""

    http_status = 503


class GalleryExists(GalleryError):
    """There already is a gallery at this place."""

    exit_code = 2
    http_status = 409


class GalleryDamaged(GalleryError):
    """The gallery's file is cut short, corrupt, or not a gallery."""


class GalleryVersion(GalleryError):
    """The gallery was made by a newer Lookalike, or with another version of a descriptor."""

    http_status = 409


class GalleryReadOnly(GalleryError):
    """Nothing can be written where the gallery lies; it answers all the same."""

    http_status = 403


class GalleriesDiffer(GalleryError):
    """What was moved to another gallery is not what was there."""


class StorageFull(GalleryError):
    """No room on the disk. What was committed before is kept."""

    http_status = 507


class ModelError(LookalikeError):
    """A neural model cannot be used."""


class ModelMissing(ModelError):
    """The card is there, but not a file that it names."""


class ModelDamaged(ModelError):
    """A file is not the one that its card describes, or the ONNX file gives no usable vectors."""


class ModelCardInvalid(ModelError):
    """A card that cannot be read, or that describes another input or other outputs than its ONNX file has."""

    exit_code = 2
    http_status = 422


class DescriptorBroken(LookalikeError):
    """A descriptor that another package brings cannot be made; the message names both."""


class ClusterFailed(LookalikeError):
    """A Ray cluster does not answer, or cannot do what it is asked for."""


class MissingDependency(LookalikeError):
    """An optional package is not installed; the message names the extra that brings it."""

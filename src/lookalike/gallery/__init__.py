"""STORE AND SEARCH: a library of pictures on disk."""

from lookalike.gallery.gallery import DEFAULT_DESCRIPTORS, Gallery, GalleryInfo

__all__ = ["DEFAULT_DESCRIPTORS", "Gallery", "GalleryInfo"]

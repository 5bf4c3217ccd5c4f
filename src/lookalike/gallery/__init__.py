"""STORE AND SEARCH: a library of images on disk."""

from lookalike.gallery.gallery import DEFAULT_DESCRIPTORS, Gallery

__all__ = ["DEFAULT_DESCRIPTORS", "Gallery", "GalleryInfo"]
from lookalike.gallery.info import GalleryInfo

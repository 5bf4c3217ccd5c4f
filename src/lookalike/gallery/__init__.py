"""STORE AND SEARCH: a library of images on disk."""

from lookalike.gallery.gallery import DEFAULT_DESCRIPTORS, WHOLE_IMAGE_DESCRIPTORS, Gallery

__all__ = ["DEFAULT_DESCRIPTORS", "WHOLE_IMAGE_DESCRIPTORS", "Gallery", "GalleryInfo"]
from lookalike.gallery.info import GalleryInfo

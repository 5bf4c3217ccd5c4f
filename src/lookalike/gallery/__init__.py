"""STORE AND SEARCH: a library of images on disk."""

from lookalike.gallery.gallery import DEFAULT_DESCRIPTORS, WHOLE_IMAGE_DESCRIPTORS, Gallery
from lookalike.gallery.info import GalleryInfo
from lookalike.gallery.search.query import QueryVectors

__all__ = ["DEFAULT_DESCRIPTORS", "WHOLE_IMAGE_DESCRIPTORS", "Gallery", "GalleryInfo", "QueryVectors"]

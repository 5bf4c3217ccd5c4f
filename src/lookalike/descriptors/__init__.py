"""DESCRIBE: images to vectors. The registry knows every descriptor."""

from lookalike.descriptors.base import Described, Descriptor, DescriptorCard
from lookalike.descriptors.hashes import HASHES
from lookalike.descriptors.registry import (
    describe_all,
    exists,
    face_names,
    face_network,
    get,
    min_side,
    names,
    refused,
    region_network,
    register,
    shipped_names,
    text_network,
)

__all__ = [
    "HASHES",
    "Described",
    "Descriptor",
    "DescriptorCard",
    "describe_all",
    "exists",
    "face_names",
    "face_network",
    "get",
    "min_side",
    "names",
    "refused",
    "region_network",
    "register",
    "shipped_names",
    "text_network",
]

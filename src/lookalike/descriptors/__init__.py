"""DESCRIBE: images to vectors. The registry knows every descriptor."""

from lookalike.descriptors.base import Described, Descriptor, DescriptorCard
from lookalike.descriptors.registry import DESCRIPTORS, describe_all, get, min_side, names, region_network

__all__ = [
    "DESCRIPTORS",
    "Described",
    "Descriptor",
    "DescriptorCard",
    "describe_all",
    "get",
    "min_side",
    "names",
    "region_network",
]

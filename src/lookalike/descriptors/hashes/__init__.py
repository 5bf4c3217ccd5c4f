"""Classic descriptors: colour, texture, structure, PDQ."""

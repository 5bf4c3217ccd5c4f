"""Duplicates within a gallery: candidate pairs, complete linkage, the representative that is kept."""

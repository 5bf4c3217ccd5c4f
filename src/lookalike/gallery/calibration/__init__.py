"""Probabilities and weights that are fitted to one gallery."""

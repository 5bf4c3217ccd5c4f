"""Nearest neighbours: exact search, and FAISS indexes as copies that can be thrown away."""

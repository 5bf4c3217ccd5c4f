"""The source of truth: one SQLite file, its rows, vectors, regions, labels; knows nothing of search."""

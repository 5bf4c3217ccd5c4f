"""A query's way: candidates, second chance, re-ranking, hits."""

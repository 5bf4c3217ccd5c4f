"""Two images -> a Comparison; a distance -> a probability."""

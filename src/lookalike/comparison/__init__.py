"""Two pictures -> a Comparison; a distance -> a probability."""

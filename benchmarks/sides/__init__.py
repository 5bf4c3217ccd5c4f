"""Single sides of a comparison, each run as a process of its own."""

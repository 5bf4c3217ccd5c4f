"""The routes, a file per verb: each parses, asks for one thing, and answers."""

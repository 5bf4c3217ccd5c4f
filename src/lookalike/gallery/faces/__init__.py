"""Whose faces a gallery holds: grouped, named, searched, forgotten."""

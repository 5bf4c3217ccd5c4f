"""SURFACE: the same verbs over HTTP (docs/how-to/service.md), and the page that speaks them.

The app (``app.py``) does HTTP and nothing with pixels: it asks the gallery for rows, hands images to worker
processes (``workers.py``, which run ``tasks.py``), and long work to a process of its own (``jobs.py``).
"""

from lookalike.service.settings import Settings

__all__ = ["Settings"]

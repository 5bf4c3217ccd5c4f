"""What a browser needs to describe an image itself: ONNX Runtime, and the scripts that prepare the image for it."""

from pathlib import Path

FOLDER = Path(__file__).with_name("browser")
"""Holds `describe.js`, which the page imports, and what that loads."""

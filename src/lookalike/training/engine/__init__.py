"""The one training loop: trainer, recipe, settings, losses."""

"""Why two images are related: attribution of the answer, drawn as one image."""

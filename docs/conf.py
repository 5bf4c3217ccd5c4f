"""How `make docs` builds the site.

Sphinx with MyST, and not MkDocs, by upkeep: MkDocs 1.x has had no release since August 2024, version 2 drops plug-ins,
and Zensical is younger than 1.0; Sphinx and MyST-Parser were both released within the last months. Furo brings its own
fonts, styles and scripts, so that the site asks no other host.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from lookalike.version import __version__

project = "Lookalike"
author = "the Lookalike authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "pages"]
exclude_patterns = ["images/*.py"]
smartquotes = False  # two hyphens are an option, not a dash

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_type_aliases = {
    name: name for name in ("Floats", "Pixels", "Ids", "Source", "PathLike", "Progress", "Relation", "Verdict")
}
python_use_unqualified_type_names = True
toc_object_entries = (
    False  # a thousand names in the navigation of every page would make the build several times as long
)

html_theme = "furo"
html_title = f"Lookalike {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"source_directory": "docs/"}

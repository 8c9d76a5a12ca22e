"""How these pages become a site: `make docs`. A link that leads nowhere is an error."""

project = "trackerd"
author = "the trackerd authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
html_theme = "furo"
html_title = "trackerd"
html_show_sphinx = False
html_show_copyright = False
html_show_sourcelink = False
nitpicky = True

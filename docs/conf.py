"""How the documentation is built. Nothing is fetched from the network."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "ext"))
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the programs of these pages are too small to gain by more

import narrows  # noqa: E402

project = "narrows"
author = "The narrows authors"
copyright = "2026, The narrows authors"
version = release = narrows.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "plain_docstrings",
    "coverage_check",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip", "**/*.json"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_cache_path = str(HERE / "_build" / ".jupyter_cache")

autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "exclude-members": "extra_repr, set_fit_request",
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
python_display_short_literal_types = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
add_module_names = False
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "capture_repr": (),
    "download_all_examples": False,
    "min_reported_time": 60,
    "remove_config_comments": True,
    "reset_modules_order": "both",
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "image_srcset": ["2x"],
    "doc_module": ("narrows",),
    "reference_url": {"narrows": None},
}

html_theme = "furo"
html_title = f"narrows {release}"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c6b", "color-brand-content": "#0b5c6b"},
    "dark_css_variables": {"color-brand-primary": "#6cc5d5", "color-brand-content": "#6cc5d5"},
}
html_static_path = ["_static"]
html_css_files = ["narrows.css"]
html_copy_source = False
html_show_sourcelink = False

from narrows.data.tensor_file import FORMAT  # noqa: E402

myst_enable_extensions.append("substitution")
myst_substitutions = {"format": FORMAT}

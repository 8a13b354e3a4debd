"""The docstrings of narrows are plain text, read first of all in an editor: this turns them into reStructuredText.

* `code` in single backticks becomes a literal, or a link where it names something documented.
* A block that is indented after an empty line is an equation or a drawing, and keeps its shape.
* Stars, bars and underscores in running text mean themselves; **bold** stays bold.
* `Returns:` is a sentence, never a type; `Source:` and `Shapes:` open a paragraph in bold.
"""

import re

from sphinx.application import Sphinx

TOKEN = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*|https?://\S+|>>>.*)")
NAME = re.compile(r"[A-Za-z_][\w.]*(\(\))?")


def text(line: str) -> str:
    """One line of running text."""
    parts = TOKEN.split(line)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            part = re.sub(r"([*|])", r"\\\1", part)
            parts[i] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", part)
        elif part.startswith("`"):
            inner = part.strip("`")
            parts[i] = f":py:obj:`{inner}`" if NAME.fullmatch(inner) else f"``{inner}``"
    return "".join(parts)


def converted(lines: list[str]) -> list[str]:
    """A whole docstring."""
    found: list[str] = []
    doctest = block = returns = False
    for i, line in enumerate(lines):
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        blank_before = i == 0 or not lines[i - 1].strip()
        if not stripped:
            doctest = False
            found.append("")
            continue
        doctest = doctest or stripped.startswith(">>>")
        if indent == 0:
            block = returns = False
        elif blank_before and not doctest and not block:
            block = True
            found += [".. code-block:: none", ""]
        if doctest or block:
            found.append(line)
        elif stripped == "Returns:" and indent == 0:
            returns = True
            found.append("")
        elif returns:
            found.append((":returns: " if lines[i - 1].strip() == "Returns:" else "    ") + text(stripped))
        else:
            line = re.sub(r"^(Source|Shapes):", r"**\1:**", line)
            found.append(text(line))
    return found


def process(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Rewrite the docstrings of narrows, and of nothing else."""
    home = getattr(obj, "__module__", None) or name
    if str(home).startswith("narrows") or name.startswith("narrows.core"):
        lines[:] = converted(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

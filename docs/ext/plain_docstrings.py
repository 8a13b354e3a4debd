"""The docstrings of narrows are plain text, read first of all in an editor: this turns them into reStructuredText.

* `code` in single backticks becomes a literal, or a link where it names something documented.
* A block that is indented after an empty line, or a line with wide gaps that stands alone, is an equation or a drawing,
  and keeps its shape.
* Stars, bars and underscores in running text mean themselves; **bold** stays bold.
* `Returns:` is a sentence, never a type; `Source:` and `Shapes:` open a paragraph in bold.
"""

import re

from sphinx.application import Sphinx

TOKEN = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*|https?://\S+|>>>.*)")
NAME = re.compile(r"[A-Za-z_][\w.]*(\(\))?")


def text(lines: str) -> str:
    """Running text, of one line or more."""
    parts = TOKEN.split(lines)
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
    waiting: list[str] = []

    def settle() -> None:
        if waiting:
            found.extend(text("\n".join(waiting)).split("\n"))
            waiting.clear()

    doctest = block = returns = False
    for i, line in enumerate(lines):
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if not stripped:
            settle()
            doctest = False
            found.append("")
            continue
        doctest = doctest or stripped.startswith(">>>")
        if indent == 0:
            block = returns = False
        drawn = indent > 0 or (not doctest and "    " in stripped and not "".join(lines[i + 1 : i + 2]).strip())
        if drawn and not (doctest or block) and (i == 0 or not lines[i - 1].strip()):
            block = True
            found += [".. code-block:: none", ""]
        if doctest or block:
            settle()
            found.append(line if indent else f"    {line}" if block else line)
        elif line == "Returns:":
            returns = True
            settle()
            found.append("")
        elif returns:
            waiting.append((":returns: " if lines[i - 1] == "Returns:" else "    ") + stripped)
        else:
            waiting.append(re.sub(r"^(Source|Shapes):", r"**\1:**", line))
    settle()
    return found


def process(_app: Sphinx, _what: str, name: str, obj: object, _options: object, lines: list[str]) -> None:
    """Rewrite the docstrings of narrows, and of nothing else."""
    home = getattr(obj, "__module__", None) or name
    if str(home).startswith("narrows") or name.startswith("narrows.core"):
        lines[:] = converted(lines)


def skip(_app: Sphinx, _what: str, name: str, _obj: object, _skip: bool, _options: object) -> bool | None:
    """Leave out the methods that scikit-learn makes for metadata routing."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both; the rewriting runs before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", process, priority=400)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

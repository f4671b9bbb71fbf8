"""Hooks of MkDocs: pages of reference filled from the code, and figures of the repository on the site.

A line `<!-- generated: NAME -->` of a page is replaced by the function of `GENERATED` that has this name
(`docs/generated.py`). The figures of `figures/` appear on the site as `figures/NAME.png`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from generated import GENERATED
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
NARROW, COLUMN = 1200, 500
"""Pixels of a figure's PNG below which it is one of a column's width, and its width on a page."""

_FIGURE = re.compile(r'src="(?P<path>[^"]*figures/(?P<name>[\w.-]+\.png))"')
_OPTION = re.compile(r"<code>(--?[a-z][^<]{0,24})</code>")
_FOR_TESTS = re.compile(
    r"^ *<!-- (?:setup\n.*?|run |not run: [^\n]*? |output(?:: [^\n]*?)? )-->\n", re.MULTILINE | re.DOTALL
)
_MARK = re.compile(r"^<!-- generated: ([a-z0-9-]+) -->$", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the figures of the repository to the files of the site."""
    for path in sorted((ROOT / "figures").glob("*.png")):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill the marks with what is generated from the code, and remove comments that are for tests."""
    return _MARK.sub(lambda mark: GENERATED[mark[1]](), _FOR_TESTS.sub("", markdown))


def on_page_content(html: str, **_: Any) -> str:
    """Mark options in the text, so that no line ends within one, and give narrow figures their width."""
    html = _FIGURE.sub(_sized, html)
    return _OPTION.sub(r'<code class="option">\1</code>', html)


def _sized(found: re.Match[str]) -> str:
    header = (ROOT / "figures" / found["name"]).read_bytes()[16:20]  # the width in the header of a PNG
    narrow = int.from_bytes(header, "big") < NARROW
    return found[0] + (f' width="{COLUMN}"' if narrow else "")

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
_MARK = re.compile(r"^<!-- generated: ([a-z0-9-]+) -->$", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the figures of the repository to the files of the site."""
    for path in sorted((ROOT / "figures").glob("*.png")):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put what is generated from the code in the place of its marks; unknown marks are errors."""
    return _MARK.sub(lambda mark: GENERATED[mark[1]](), markdown)

"""A report as one self-contained HTML file, with style, script, charts and points inside it.

Ids and names come from logs and files of strangers. Therefore jinja2 escapes all text, `<` is an escape in
the points' JSON, and the page's policy (CSP) names the hashes of the only script and style that may run.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from degen.files.outputs import output_path
from degen.files.writing import write_text
from degen.plots.style import UNSEEN_COLOR, frequency_colors
from degen.report import charts, tables
from degen.report.contents import Group, Report
from degen.report.packed_points import pack
from degen.shown import shown_lines
from degen.version import __version__

_COLORS = 64
_MOST_BYTES = 4_800_000
"""Size of a page. The points get what charts and tables leave, but at least `_LEAST_POINTS`."""
_LEAST_POINTS = 500_000
_POINTS = '<script type="application/json" id="points">'


def write_html(report: Report, path: Path) -> Path:
    """Write the report as one file, whole or not at all, and return its path."""
    write_text(path, render(report), output_path)
    return path


def render(report: Report) -> str:
    """Return the whole page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from jinja2.utils import htmlsafe_json_dumps
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("degen.report"),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates = files("degen.report") / "templates"
    script, style = ((templates / name).read_text(encoding="utf-8") for name in ("report.js", "style.css"))
    page = environment.get_template("report.html").render(
        report=report,
        sections=[_section(group) for group in report.groups],
        runs=tables.runs_table(report),
        glossary=tables.glossary_table(report),
        title=", ".join(path.resolve().name or str(path) for path in report.paths),
        version=__version__,
        script=Markup(script),
        style=Markup(style),
        script_hash=_hash(script),
        style_hash=_hash(style),
    )
    # A path may hold bytes that are no text; they must not keep the page from being written.
    page = page.encode("utf-8", "replace").decode("utf-8")
    room = max(_MOST_BYTES - len(page.encode("utf-8")), _LEAST_POINTS)
    points = {"colors": _colors(), "groups": pack(report.groups, room)}
    # Names are escaped, so that the tag stands where the template has it and nowhere else.
    before, after = page.split(_POINTS)
    return before + _POINTS + str(htmlsafe_json_dumps(points, separators=(",", ":"))) + after


def _visible(value: Any) -> Any:
    """Return a value for the page; signs in a name that a reader cannot see are escaped."""
    return shown_lines(value) if type(value) is str else value


def _section(group: Group) -> dict[str, Any]:
    """Return the parts of the page for a group; a part that it lacks is None or empty."""
    return {
        "group": group,
        "legend": charts.legend(group),
        "accuracy": tables.accuracy_table(group),
        "seeds": tables.seeds_table(group),
        "claims": tables.claims_table(group),
        "measures": tables.measures_table(group),
        "deciles": tables.deciles_table(group),
        "spectra": charts.spectra(group),
        "profiles": list(charts.by_popularity(group)),
        "trajectories": list(charts.trajectories(group)),
        "epochs": list(charts.over_epochs(group)),
        "clouds": [subject for subject in group.subjects if subject.cloud is not None],
    }


def _hash(text: str) -> str:
    """Return the hash by which a policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _colors() -> dict[str, Any]:
    """Return colours from rare to frequent; the frequent are dark on a light page, light on a dark one."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    light = [to_hex(frequency_colors()(k / (_COLORS - 1))) for k in range(_COLORS)]
    # The darkest third of the map would be lost on a dark page.
    dark = [to_hex(colormaps["viridis"](0.33 + 0.67 * k / (_COLORS - 1))) for k in range(_COLORS)]
    return {"light": light, "dark": dark, "unseen": UNSEEN_COLOR}

"""A report as one self-contained HTML file, with style, script, charts and points inside it.

Ids and names come from logs and files of strangers. Therefore jinja2 escapes all text, `<` is an escape in
the points' JSON, and the page's policy (CSP) names the hashes of the only script and style that may run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.files.outputs import output_path
from degen.files.writing import write_text
from degen.plots.style import UNSEEN_LABEL
from degen.reports import charts, tables
from degen.reports.contents import Group, Report
from degen.reports.looks import frequency_scale, style_sheet
from degen.reports.measure_rows import REASON, core_first, core_table, glossary_table, measures_table
from degen.reports.packed_points import beyond, limits_of, pack
from degen.shown import shown_lines
from degen.version import __version__

if TYPE_CHECKING:
    from markupsafe import Markup

_MOST_BYTES = 4_800_000
"""Size of a page. The points get what charts and tables leave, but at least `_LEAST_POINTS`."""
_LEAST_POINTS = 500_000
_POINTS = '<script type="application/json" id="points">'
_CODE = re.compile("`([^`]+)`")


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
        loader=PackageLoader("degen.reports"),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = _sentence
    environment.filters["unbroken"] = _unbroken
    environment.filters["with_code"] = _with_code
    templates = files("degen.reports") / "templates"
    script, style = ((templates / name).read_text(encoding="utf-8") for name in ("report.js", "style.css"))
    style += style_sheet(look for group in report.groups for _, look in charts.legend(group))
    page = environment.get_template("report.html").render(
        report=report,
        sections=[_section(group) for group in report.groups],
        runs=tables.runs_table(report),
        unseen=UNSEEN_LABEL,
        reason=REASON,
        versions=tables.versions_table(report),
        glossary=glossary_table(report),
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
    points = {"colors": frequency_scale(), "groups": pack(report.groups, room)}
    # Names are escaped, so that the tag stands where the template has it and nowhere else.
    before, after = page.split(_POINTS)
    return before + _POINTS + str(htmlsafe_json_dumps(points, separators=(",", ":"))) + after


def _visible(value: Any) -> Any:
    """Return a value for the page; signs in a name that a reader cannot see are escaped."""
    return shown_lines(value) if type(value) is str else value


def _sentence(text: str) -> str:
    """Return a text with a capital first letter, unless that is a symbol such as σ."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


def _with_code(text: str) -> Markup:
    """Return escaped text in which what stands between backticks is marked as code."""
    from markupsafe import Markup

    parts = [shown_lines(part) for part in _CODE.split(text)]
    parts[1::2] = [Markup("<code>{}</code>").format(part) for part in parts[1::2]]
    return Markup("").join(parts)


def _unbroken(text: str) -> str:
    """Return a text in which no line ends within `47 → 50`."""
    return text.replace(" → ", "\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}")


def _section(group: Group) -> dict[str, Any]:
    """Return the parts of the page for a group; a part that it lacks is None or empty."""
    measures = measures_table(group)
    clouds = [(subject, subject.cloud) for subject in group.subjects if subject.cloud is not None]
    limits = limits_of([cloud for _, cloud in clouds]) if clouds else None
    remarks = [verdict.remarks for verdict in group.verdicts]
    shared = [one for one in remarks[0] if all(one in other for other in remarks)] if len(remarks) > 1 else []
    own = [[remark for remark in several if remark not in shared] for several in remarks]
    return {
        "group": group,
        "verdicts": list(zip(group.verdicts, own, strict=True)),
        "remarks": shared,
        "legend": charts.legend(group),
        "core": core_table(group, with_reasons=True),
        "clouds": [subject for subject, _ in clouds],
        "beyond": {subject.name: beyond(cloud, limits) for subject, cloud in clouds if limits},
        "spectra": charts.spectra(group),
        "claims": tables.claims_table(group),
        "accuracy": tables.accuracy_table(group),
        "seeds": tables.seeds_table(group),
        "measures": measures and core_first(measures),
        "deciles": tables.deciles_table(group),
        "profiles": list(charts.by_popularity(group)),
        "trajectories": list(charts.trajectories(group)),
        "epochs": list(charts.over_epochs(group)),
    }


def _hash(text: str) -> str:
    """Return the hash by which a policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")

"""The page of results: tables from the JSON file, in a template that holds what people wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchlib import analyze
from benchlib.scale import LINES, series

TEMPLATE = Path(__file__).parents[1] / "page.md"
BY_HAND = "## Profile"
"""Line at which the part of the template begins that no section measures."""
NOT_MEASURED = "Not measured yet."
SPEED_BLOCK = re.compile(r"(<!-- bench: written by run\.py -->\n).*?(<!-- /bench -->)", re.DOTALL)

Results = Mapping[str, Any]


def render(results: Results, template: Path = TEMPLATE, *, by_hand: bool = True) -> str:
    """The whole page; `by_hand` with what was found by hand, on the machine of the page that is kept."""
    parts = {
        "conditions": conditions_table(results),
        "train": comparison(results.get("train"), "samples/s"),
        "baselines": comparison(results.get("baselines"), "samples/s"),
        "peers": comparison(results.get("peers"), "samples/s"),
        "evaluate": evaluation(results.get("evaluate")) + told_evaluations(results.get("train", {})),
        "memory": memory(results.get("memory")),
        "startup": startup(results.get("startup")),
        "scale": scale(results.get("scale")),
        "analyze": analyses(results.get("analyze")),
    }
    text = template.read_text(encoding="utf-8")
    if not by_hand:
        text = text.partition(BY_HAND)[0]
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the first column is text, the others are numbers."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Three significant digits, or whole where there are more before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(found: Mapping[str, Any], unit: str = "") -> str:
    """Median with lowest and highest."""
    ends = f"{number(found['lowest'])}–{number(found['highest'])}"
    return f"**{number(found['median'])}{unit}** ({ends})"


def comparison(section: Results | None, unit: str) -> str:
    """Rates, the ratios of ours to each, and who failed."""
    if section is None:
        return NOT_MEASURED
    ours = list(dict.fromkeys(our for ratios in section["ratios"].values() for our in ratios))
    rows = [
        [
            name,
            spread(rate),
            str(rate["windows"]),
            *(_ratio(section["ratios"].get(name, {}).get(our)) for our in ours),
        ]
        for name, rate in section["rates"].items()
    ]
    head = ["", f"{unit}, median (lowest–highest)", "windows", *(f"{our} ÷ it" for our in ours)]
    return table(head, rows) + versions(section) + failures(section)


def versions(section: Results) -> str:
    """A sentence on what each participant said it is."""
    told = {
        name: ", ".join(f"{what} {version}" for what, version in facts.items())
        for name, facts in section["facts"].items()
        if facts
    }
    return "\n\n" + "; ".join(f"{name}: {text}" for name, text in told.items()) + "." if told else ""


def _ratio(found: Mapping[str, Any] | None) -> str:
    return spread(found, " ×") if found else ""


def failures(section: Results) -> str:
    """A line for each participant that was not measured, with its reason."""
    lines = [f"- {name}: **not measured**: {reason}" for name, reason in section.get("failures", {}).items()]
    return "\n\n" + "\n".join(lines) if lines else ""


def evaluation(section: Results | None) -> str:
    """The comparison, with the seconds for all users."""
    if section is None:
        return NOT_MEASURED
    text = comparison(section, "users/s")
    if "users" not in section or "degen SASRec" not in section["rates"]:
        return text
    rate = section["rates"]["degen SASRec"]
    seconds = {
        "median": section["users"] / rate["median"],
        "lowest": section["users"] / rate["highest"],
        "highest": section["users"] / rate["lowest"],
    }
    return f"{text}\n\nAll {section['users']:,} users take degen {spread(seconds, ' s')}."


def told_evaluations(train: Results) -> str:
    """Return the seconds that participants of `train` reported of their own evaluation."""
    lines = [
        f"{name}, by its own account during `train`: {spread(seconds, ' s')} for the validation targets."
        for name, seconds in train.get("evaluation_seconds", {}).items()
    ]
    return "".join(f"\n\n{line}" for line in lines)


def memory(section: Results | None) -> str:
    """Peaks, and how many times ours each is."""
    if section is None:
        return NOT_MEASURED
    peaks = section["peaks"]
    own = peaks.get("degen DuoRec", {}).get("peak_mb")
    rows = [
        [
            name,
            number(peak["peak_mb"]),
            str(peak["steps"]),
            number(peak["peak_mb"] / own) + " ×" if own else "",
        ]
        for name, peak in peaks.items()
    ]
    return table(["", "peak MB", "steps", "of degen's"], rows) + failures(section)


def startup(section: Results | None) -> str:
    """Seconds of each command."""
    if section is None:
        return NOT_MEASURED
    rows = [[f"`{name}`", spread(found), str(found["windows"])] for name, found in section["seconds"].items()]
    return table(["", "seconds, median (lowest–highest)", "runs"], rows)


def scale(section: Results | None) -> str:
    """A row a point, and the slopes."""
    if section is None:
        return NOT_MEASURED
    points = section["points"]
    rows = []
    for line, name in LINES.items():
        for size, point in series(points, line, run=False):
            ran = "not_run" not in point
            values = (
                [number(point["seconds"]), number(point["peak_mb"])] if ran else ["not run", point["not_run"]]
            )
            rows.append([f"{name}, {line.partition('/')[0]}", f"{size:,}", *values])
    slopes = [
        [f"{LINES[line]}, {line.partition('/')[0]}", f"{found['seconds']:.2f}", f"{found['peak_mb']:.2f}"]
        for line, found in section.get("slopes", {}).items()
    ]
    return (
        table(["", "size", "seconds", "peak MB"], rows)
        + "\n\nSlopes on log-log axes, over the last three sizes of each line (1: linear):\n\n"
        + table(["", "seconds", "memory"], slopes)
    )


def analyses(section: Results | None) -> str:
    """A row a size and way, how far its values are from degen's, and the slopes."""
    if section is None:
        return NOT_MEASURED
    rows = []
    for line, name in analyze.LINES.items():
        for size, point in series(section["points"], line, run=False):
            if "not_run" in point:
                cells = ["not run", point["not_run"], ""]
            else:
                difference = f"{point['difference']:.0e}" if "difference" in point else ""
                cells = [number(point["seconds"]), number(point["peak_mb"]), difference]
            rows.append([name, f"{size:,}", *cells])
    slopes = [
        [analyze.LINES[line], f"{found['seconds']:.2f}", f"{found['peak_mb']:.2f}"]
        for line, found in section.get("slopes", {}).items()
    ]
    return (
        "![seconds and memory of degen analyze against rows](../../figures/analyze-scale.png)\n\n"
        + table(["", "rows", "seconds", "peak MB", "greatest relative difference"], rows)
        + "\n\nSlopes on log-log axes, over the last three sizes of each line (1: linear):\n\n"
        + table(["", "seconds", "memory"], slopes)
    )


def conditions_table(results: Results) -> str:
    """Return the table of the machines, dates and versions that each section was measured with."""
    rows = []
    for name, section in results.items():
        if found := section.get("conditions"):
            rows.append(
                [
                    name,
                    f"{found['date']}, {found['commit']}",
                    f"{found['cpu']}, {found['cores']} cores, {found['memory_gb']} GB",
                    str(found["threads"]),
                    str(found["load"]),
                    f"Python {found['python']}, torch {found['torch']}, NumPy {found['numpy']}",
                ]
            )
    head = ["section", "date, commit", "machine", "threads", "load before", "versions"]
    return table(head, rows) if rows else NOT_MEASURED


SPEED_COLUMNS = {
    "plain PyTorch loop": ("train", "plain loop {}"),
    "RecBole SASRec": ("peers", "RecBole SASRec"),
    "RecBole FEARec": ("peers", "RecBole FEARec"),
    "RecTools SASRec": ("peers", "RecTools SASRec"),
}


def speed_block(results: Results) -> str:
    """Return what the page on speed quotes: samples per second, and how many times as fast as each peer."""
    train = results.get("train")
    if train is None:
        return NOT_MEASURED + "\n"
    found = train["conditions"]
    rows = []
    for label in ("SASRec", "DuoRec"):
        name = f"degen {label}"
        if name in train["rates"]:
            cells = [
                _ratio(results.get(section, {}).get("ratios", {}).get(peer.format(label), {}).get(name))
                for section, peer in SPEED_COLUMNS.values()
            ]
            rows.append([name, number(train["rates"][name]["median"]), *(cell or "–" for cell in cells)])
    head = ["", "samples/s", *(f"× {column}" for column in SPEED_COLUMNS)]
    return (
        f"{found['cpu']}, {found['threads']} threads, torch {found['torch']}, {found['date']}; "
        f"medians, with the lowest and highest of {train['rates'][rows[0][0]]['windows']} windows:\n\n"
        f"{table(head, rows)}\n"
    )


def fill_speed(text: str, results: Results) -> str:
    """The page on speed with its block of figures written anew."""
    block = speed_block(results)
    return SPEED_BLOCK.sub(lambda found: f"{found[1]}\n{block}\n{found[2]}", text)

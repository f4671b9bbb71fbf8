"""Measure degen side by side with what one would otherwise use, and write the page of results.

Every section merges its result into a JSON file and writes the page anew from all that the file holds. The
page names the sections that were not measured. Participants take turns, one window each, so that ratios
hold where the machine's speed shifts. Run it with nothing else on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlib import analyze, scale
from benchlib.environments import TORCH
from benchlib.machine import ROOT, conditions
from benchlib.page import fill_speed, render
from benchlib.scale_figure import write_figure
from benchlib.sections import SECTIONS, Options

from degen.errors import UserError, one_sentence
from degen.files.outputs import replacing

RESULTS = ROOT / "experiments" / "results" / "bench.json"
QUICK = ROOT / "runs" / "bench-quick" / "bench.json"

EXAMPLES = """\
examples:
  python experiments/bench/run.py train evaluate memory startup
  python experiments/bench/run.py peers                  RecBole and RecTools, installed into .bench-envs/
  python experiments/bench/run.py scale --largest-items 1000000 --largest-interactions 10000000
  python experiments/bench/run.py analyze --largest-rows 1000000
  python experiments/bench/run.py train --quick          a trial: two short windows, written below runs/
  python experiments/bench/run.py page                   page and figures again, nothing measured

sections:
  train      SASRec and DuoRec beside a plain PyTorch loop (and --prototype): samples a second
  baselines  BPR-MF, GRU4Rec, Caser and BERT4Rec beside SASRec: samples a second
  evaluate   full ranking of all test users beside the plain loop
  memory     peak memory of a training process beside the plain loop's
  startup    seconds of `degen --help` and of a training of one step, the log's cache warm
  peers      SASRec and DuoRec beside RecBole's SASRec and FEARec and RecTools' SASRec
  scale      seconds and peak memory against items and interactions; goes on where it was stopped
  analyze    seconds and peak memory of `degen analyze` against rows, beside NumPy's SVD and plain formulas
"""

GROWING = {
    "scale": (scale.measure_scale, scale.LINES, "scale", "degen: seconds and memory against size"),
    "analyze": (
        analyze.measure_analyze,
        analyze.LINES,
        "analyze-scale",
        "degen analyze: seconds and memory against rows",
    ),
}
"""Sections of points, each kept once measured: what measures them, their lines, the figure and its title."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sections", nargs="+", choices=[*SECTIONS, *GROWING, "page"], metavar="SECTION", help="see below"
    )
    parser.add_argument("--dataset", default="beauty", help="catalogue name or file (default: beauty)")
    parser.add_argument(
        "--threads", type=positive, default=os.cpu_count(), help="CPU threads of each participant"
    )
    parser.add_argument("--windows", type=positive, help="windows of each participant (default: 5; quick: 2)")
    parser.add_argument("--seconds", type=positive, help="least seconds of a window (default: 4; quick: 1)")
    parser.add_argument("--prototype", type=Path, help="a script to time beside, as `MB=60 python SCRIPT …`")
    parser.add_argument("--torch-spec", default=TORCH, help=f"for the peers' environments (default: {TORCH})")
    parser.add_argument("--largest-items", type=positive, default=10**7, help="scale: the last catalogue")
    parser.add_argument("--largest-interactions", type=positive, default=10**8, help="scale: the last log")
    parser.add_argument("--largest-rows", type=positive, default=10**7, help="analyze: the last matrix")
    parser.add_argument(
        "--time-limit", type=positive, default=420, help="scale, analyze: most seconds of a point"
    )
    parser.add_argument(
        "--memory-gb", type=positive, help="scale, analyze: most memory of a point (default: 0.8 × free)"
    )
    parser.add_argument(
        "--again", action="store_true", help="scale, analyze: measure points anew that are there"
    )
    parser.add_argument(
        "--out", type=Path, help=f"JSON file of results (default: {RESULTS.relative_to(ROOT)})"
    )
    parser.add_argument("--quick", action="store_true", help="a trial, into runs/; the page on speed stays")
    parser.add_argument("--json", action="store_true", help="print the sections' results as JSON")
    parsed = parser.parse_args(arguments)
    parsed.out = parsed.out or (QUICK if parsed.quick else RESULTS)
    return parsed


def check_files(parsed: argparse.Namespace) -> None:
    """Refuse files that cannot be read or written, before minutes of measuring.

    Raises
    ------
    UserError
        naming the option.
    """
    if parsed.prototype and not parsed.prototype.is_file():
        raise UserError(f"--prototype {parsed.prototype} does not exist; name a script, or leave it out")
    try:
        load(parsed.out)
        parsed.out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parsed.out.parent):
            pass
    except ValueError as error:
        raise UserError(f"--out {parsed.out} is not JSON ({error}); name another file") from error
    except OSError as error:
        raise UserError(f"--out {parsed.out} cannot be written ({error}); name another file") from error


def positive(text: str) -> int:
    """A whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def options_of(arguments: argparse.Namespace) -> Options:
    """Return the options of the command line that sections need."""
    return Options(
        dataset=arguments.dataset,
        threads=arguments.threads,
        windows=arguments.windows or (2 if arguments.quick else 5),
        seconds=arguments.seconds or (1 if arguments.quick else 4),
        memory_steps=20 if arguments.quick else 300,
        prototype=arguments.prototype,
        torch=arguments.torch_spec,
        note=lambda text: print(text, file=sys.stderr, flush=True),
    )


def measure(section: str, arguments: argparse.Namespace) -> None:
    """Merge a section's result, with its conditions, into the file of results."""
    out = arguments.out
    about = {"conditions": conditions(arguments.threads), "dataset": arguments.dataset}
    if section in SECTIONS:
        merge(out, section, SECTIONS[section](options_of(arguments)) | about)
        return
    measured = GROWING[section][0]
    earlier = {} if arguments.again else load(out).get(section, {}).get("points", {})
    found = measured(arguments, earlier, lambda points: merge(out, section, {"points": points} | about))
    merge(out, section, found | about)
    draw(section, found, out)


def draw(section: str, found: Mapping[str, Any], out: Path) -> None:
    """Draw the figure of a section of points."""
    _, lines, stem, title = GROWING[section]
    folder = ROOT / "figures" if out == RESULTS else out.parent
    write_figure(found["points"], found["slopes"], folder / stem, lines, title)


def load(out: Path) -> dict[str, Any]:
    """The file of results; empty where there is none yet."""
    results: dict[str, Any] = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    return results


def merge(out: Path, section: str, found: dict[str, Any]) -> None:
    """Put a section into the file of results, which is written whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(out.name + ".part")
    temporary.write_text(json.dumps(load(out) | {section: found}, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out)


def main() -> None:
    """Measure the sections asked for; write the file and both pages."""
    arguments = parse()
    check_files(arguments)
    sections = [section for section in arguments.sections if section != "page"]
    for section in sections:
        try:
            measure(section, arguments)
        except subprocess.CalledProcessError as failed:
            sys.exit(f"bench: {section}: `{shlex.join(map(str, failed.cmd))}` failed, as it says above")
    results = load(arguments.out)
    for section in GROWING if "page" in arguments.sections else ():
        if section in results:
            with replacing(force=True):
                draw(section, results[section], arguments.out)
    page = render(results, by_hand=arguments.out == RESULTS)
    arguments.out.with_suffix(".md").write_text(page, encoding="utf-8")
    if arguments.out == RESULTS:
        speed = ROOT / "docs" / "explanation" / "speed.md"
        speed.write_text(fill_speed(speed.read_text(encoding="utf-8"), results), encoding="utf-8")
    if arguments.json:
        print(json.dumps({section: results[section] for section in sections}))
    else:
        print(page)


if __name__ == "__main__":
    with one_sentence("bench"):
        main()

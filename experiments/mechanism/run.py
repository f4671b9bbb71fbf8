"""Train the runs of `runs.toml` with traced gradients, one after another; go on where it was stopped.

    python experiments/mechanism/run.py                       all, into runs/mechanism/clothing/<name>
    python experiments/mechanism/run.py sasrec duorec         two of them
    python experiments/mechanism/run.py --set data.dataset=synthetic --set training.epochs=2

`collect.py` makes the tables and figures, `eq3.py` compares the scores with Eq. 3.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from degen.bars import Showing, bars
from degen.cli.options import parse_assignments
from degen.config.schema import Config
from degen.config.settle import Values, by_group, merge, settle
from degen.data.catalog import find
from degen.errors import UserError, nearest, one_sentence
from degen.training.plan import train_many
from degen.training.run import Interrupted

RUNS = Path(__file__).with_name("runs.toml")


def planned(names: Sequence[str], out: Path, assigned: Values) -> dict[Path, Config]:
    """The configuration of each run by its place, in the order of the file; of all runs if none is named.

    Raises
    ------
    UserError
        for a name that the file does not have, or a setting that does not fit.
    """
    declared = tomllib.loads(RUNS.read_text(encoding="utf-8"))
    for name in names:
        if name not in declared["runs"]:
            raise UserError(f"no run '{name}' in {RUNS.name}{nearest(name, declared['runs'])}")
    plan = {}
    for name, keys in declared["runs"].items():
        if not names or name in names:
            config = settle(options=merge(by_group({**declared["common"], **keys}), assigned))
            plan[out / (config.data.name or find(config.data.dataset).name) / name] = config
    return plan


def main(words: Sequence[str] | None = None) -> None:
    """Parse and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="runs of runs.toml; all by default")
    parser.add_argument(
        "--set", dest="assign", action="append", default=[], metavar="GROUP.KEY=VALUE", help="as degen train"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/mechanism"), help="folder above the runs")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    given = parser.parse_args(words)
    plan = planned(given.names, given.out, parse_assignments(given.assign))
    for place, config in plan.items():
        watch = partial(bars, showing=Showing(quiet=given.quiet))
        train_many([config], [place], resume=True, progress=watch, note=partial(print, file=sys.stderr))


if __name__ == "__main__":
    try:
        with one_sentence("run.py"):
            main()
    except Interrupted as stop:
        sys.exit(f"run.py: stopped in {stop.out}; the same command goes on")

"""Train every mitigation, and sasrec and duorec beside them, under one budget; go on where it was stopped.

    python experiments/cures/run.py                              beauty and clothing, seed 0, into runs/cures
    python experiments/cures/run.py --seeds 0-4 --device cuda    several seeds, stacked on a GPU
    python experiments/cures/run.py --datasets synthetic --set training.epochs=2 --out runs/cures-trial

Each run has the directory `runs/cures/<dataset>/<method>-s<seed>`. `collect.py` makes the table and the
figure.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from cureslib.methods import METHODS, planned

from degen.bars import Showing, bars
from degen.cli.options import parse_assignments
from degen.config.lists import parse_seeds
from degen.config.settle import merge
from degen.errors import one_sentence
from degen.training.plan import train_many
from degen.training.run import Interrupted


def main() -> None:
    """Parse and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", default="beauty,clothing", help="catalogue names or files, with commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="of %(default)s")
    parser.add_argument("--seeds", default="0", help="such as 0-4 or 0,3,5")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--set", dest="assign", action="append", default=[], metavar="GROUP.KEY=VALUE", help="as degen train"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/cures"), help="folder above the runs")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    given = parser.parse_args()
    methods, seeds = given.methods.split(","), parse_seeds(given.seeds)
    settings = merge({"training": {"device": given.device}}, parse_assignments(given.assign))
    for dataset in given.datasets.split(","):
        runs = list(planned(dataset, methods, seeds, given.out, settings))
        configs, places = [config for config, _ in runs], [place for _, place in runs]
        train_many(
            configs,
            places,
            resume=True,
            progress=partial(bars, showing=Showing(quiet=given.quiet)),
            note=partial(print, file=sys.stderr),
        )


if __name__ == "__main__":
    try:
        with one_sentence("run.py"):
            main()
    except Interrupted as stop:
        sys.exit(f"run.py: stopped in {stop.out}; the same command goes on")

"""Write the result pages: prose by hand, and every measured number from the files beside them.

    degen paper collect --out runs/paper
    python experiments/pages/render.py --collected runs/paper

takes tables, verdicts and the figures that pages show over from the collection, into
`experiments/results/paper/` and `figures/`, and the configurations and metrics of its runs into
`experiments/results/seeds/`. It renders each template `experiments/pages/templates/*.md` to the page of the
same name in `experiments/results/`. Without the option the pages are rendered anew from the files that are
there.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from pageslib.collected import Collected  # noqa: E402
from pageslib.epochs import Epochs  # noqa: E402
from pageslib.losses import Losses  # noqa: E402
from pageslib.one_seed import OneSeed  # noqa: E402
from pageslib.rows import CONTRASTIVE, join, under  # noqa: E402
from pageslib.sentences import Sentences  # noqa: E402

from degen.paper.measured import Measured, measured  # noqa: E402
from degen.paper.targets import NAMES  # noqa: E402
from degen.runs.study import PLAN  # noqa: E402
from degen.variant_names import VARIANT_LABELS, variant_label  # noqa: E402

ROOT = HERE.parents[1]
TEMPLATES = HERE / "templates"
RESULTS = ROOT / "experiments" / "results"
COLLECTED = RESULTS / "paper"
SEEDS = RESULTS / "seeds"
FIGURES = ROOT / "figures"
README = ROOT / "README.md"
MARKS = ("<!-- results -->", "<!-- /results -->")
"""Lines of the README between which its results stand."""

DRAWN = (".png", ".pdf", ".csv", "-singular-values.csv")
"""Ends of the files of a figure that are kept: none with a row per item, which hold the logs' own ids."""

KEPT = ("config.toml", "environment.json", "metrics.jsonl", "test.json")
"""Files of a run that are kept: no weights and no embeddings."""


def pages() -> dict[Path, str]:
    """Return the text of each page by its path."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    collected = (Collected(COLLECTED), Sentences(COLLECTED), Losses(COLLECTED))
    for numbers in (*collected, Epochs(SEEDS), OneSeed(RESULTS)):
        names = [
            name for name in dir(numbers) if not name.startswith("_") and callable(getattr(numbers, name))
        ]
        environment.globals |= {name: getattr(numbers, name) for name in names}
    environment.globals |= {"contrastive": CONTRASTIVE, "variants": tuple(VARIANT_LABELS)}
    environment.filters["label"] = variant_label
    environment.filters["capital"] = lambda text: text[:1].upper() + text[1:]
    templates = sorted(TEMPLATES.glob("[!_]*.md"))
    found = {RESULTS / path.name: environment.get_template(path.name).render() for path in templates}
    return {**found, README: _in_readme(environment.get_template("_readme.md").render())}


def _in_readme(text: str) -> str:
    """Return the README with `text` between its marks."""
    before, begin, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    return f"{before}{begin}\n{text}{end}{after}"


def take_over(collected: Path) -> list[Path]:
    """Take a collection's tables and verdicts over, and copy the figures that templates show.

    Rows and verdicts of logs that the collection lacks stay. Returns the written files.
    """
    COLLECTED.mkdir(exist_ok=True)
    tables = [path for kind in ("csv", "json") for path in sorted((collected / "results").glob(f"*.{kind}"))]
    taken = [join(path, COLLECTED / path.name) for path in tables]
    for template in sorted(TEMPLATES.glob("*.md")):
        for stem in re.findall(r"figures/([\w-]+)\.png", template.read_text(encoding="utf-8")):
            found = [collected / "figures" / f"{stem}{end}" for end in DRAWN]
            taken += [Path(shutil.copyfile(path, FIGURES / path.name)) for path in found if path.exists()]
            if not (FIGURES / f"{stem}.png").exists():
                raise FileNotFoundError(f"{template.name} shows {stem}.png, which {collected} has not drawn")
    return taken


def keep(rows: Iterable[Measured], folder: Path) -> list[Path]:
    """Copy configuration, environment and metrics of runs to `<dataset>/<method>-s<seed>` in a folder.

    The method's name has a loss other than the full softmax in it, as rows of the pages do, and the values of
    the run on other axes: `sasrec-bce-s1`, `duorec-dropout-0.2-s0`.

    Raises
    ------
    ValueError
        if two cells have one name.
    """
    taken: list[Path] = []
    cells: dict[Path, str] = {}
    for row in rows:
        axes = row.axes
        method = under(row.method, axes.pop("rec_loss", "ce"))
        named = [f"{name}-{value}" for name, value in axes.items()]
        place = folder / row.dataset / f"{'-'.join([method, *named])}-s{row.seed}"
        if cells.setdefault(place, row.planned.id) != row.planned.id:
            raise ValueError(f"{place} would be of two cells, {cells[place]} and {row.planned.id}")
        place.mkdir(parents=True, exist_ok=True)
        taken += [Path(shutil.copyfile(row.run.path / name, place / name)) for name in KEPT]
    return list(dict.fromkeys(taken))


def runs_of(collected: Path) -> list[Measured]:
    """Return the finished runs of the targets in a folder of the paper's studies."""
    return [row for name in NAMES if (collected / name / PLAN).exists() for row in measured(collected / name)]


def main() -> None:
    """Render the pages, and name what was written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--collected", type=Path, help="folder of `degen paper collect`, such as runs/paper")
    given = parser.parse_args()
    if given.collected:
        for path in [*take_over(given.collected), *keep(runs_of(given.collected), SEEDS)]:
            print(path.relative_to(ROOT))
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()

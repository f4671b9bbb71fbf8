"""The figures of `degen compare`: spectra one upon the other, measures by popularity, clouds side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from degen.analysis.listing import chosen_measures
from degen.analysis.measures.spectrum import normalized_singular_values
from degen.analysis.passes.buckets import COLD, DECILES
from degen.analysis.registry import PROFILES
from degen.analysis.statistics.differences import Comparison, over_seeds
from degen.embeddings.file_options import FileOptions
from degen.errors import UserError, nearest
from degen.files.writing import file_names, writable
from degen.plots.panels import profiles_figure, spectra_figure
from degen.plots.style import figure_style
from degen.studies.compare import DatasetComparison, Progress, Side, compare_sides, read_sides
from degen.studies.figure_files import FigureFiles, FigureOptions, output_folder
from degen.studies.svd import SvdOptions, draw_svd

SHOWN = ("average_cosine", "norm_mean", "cone_angle_mean", "first_direction_share")
"""The profiles that are drawn unless others are asked for."""

_TITLES = {
    "average_cosine": "average cosine within",
    "norm_mean": "mean norm",
    "cone_angle_mean": "degrees to the mean direction",
    "first_direction_share": "share on the first direction",
}
_SPECTRA = (r"$\sigma_i\,/\,\sigma_1$", r"$\sigma_i\,/\,\sigma_1$, minus the mean")


@dataclass(frozen=True)
class CompareOptions:
    """Measures and side to compare, and how to read files. Names are checked when this is made.

    Attributes
    ----------
    measures
        names of measures and groups, with commas; by default all.
    against
        the side that all are compared against; by default the first in the paper's order.
    profiles
        which profiles to draw.
    files
        how matrix files are read.
    """

    measures: str | None = None
    against: str | None = None
    profiles: tuple[str, ...] = SHOWN
    files: FileOptions = field(default_factory=FileOptions)

    def __post_init__(self) -> None:
        chosen_measures(self.measures)
        for name in self.profiles:
            if name not in PROFILES:
                raise UserError(f"`profiles` '{name}' is unknown{nearest(name, PROFILES)}")


def draw_comparison(
    paths: Sequence[Path],
    options: CompareOptions | None = None,
    look: FigureOptions | None = None,
    progress: Progress = lambda doing: None,
) -> tuple[FigureFiles, list[DatasetComparison]]:
    """Compare what is found at `paths`, and draw it; the drawn rows are those of `comparison_rows`."""
    options, look = options or CompareOptions(), look or FigureOptions()
    drawn, files = FigureFiles(), options.files
    groups = read_sides(paths, files, options.against, drawn.notes)
    folder, results = writable(output_folder(paths, look.out)), []
    for name, sides in zip(file_names(groups), groups.values(), strict=True):
        compared = compare_sides(name, sides, chosen_measures(options.measures), progress)
        results.append(compared)
        drawn.notes += compared.notes
        progress(f"{name}: drawing")
        drawn.add(_spectra(folder / f"compare-{name}-spectra", compared, look))
        if compared.profiles:
            drawn.add(_popularity(folder / f"compare-{name}-popularity", compared, options.profiles, look))
        rows = comparison_rows(compared)
        drawn.rows += rows
        drawn.write_table(folder / f"compare-{name}", rows)
    drawn.add(_clouds(paths, [side for sides in groups.values() for side in sides], files, look))
    drawn.notes = list(dict.fromkeys(drawn.notes))
    return drawn, results


def comparison_rows(dataset: DatasetComparison) -> list[dict[str, Any]]:
    """Return a flat row for every measure, accuracy and likeness of every side, for CSV and JSON."""
    rows = []
    for side in dataset.comparisons:
        about = {"dataset": dataset.name, "against": side.base, "side": side.other}
        rows += [about | {"kind": "embeddings"} | _flat(comparison) for comparison in side.measures]
        rows += [about | {"kind": "users"} | _flat(comparison) for comparison in side.users]
        alike = [{"kind": "alike", "measure": name, "value": value} for name, value in side.alike.items()]
        rows += [about | row for row in alike]
    return rows


def _flat(comparison: Comparison) -> dict[str, Any]:
    low, high = comparison.interval or (None, None)
    return {
        "measure": comparison.measure,
        "against_value": _finite(comparison.a),
        "value": _finite(comparison.b),
        "difference": _finite(comparison.difference),
        "low": low,
        "high": high,
        "noise": comparison.noise,
        "method": comparison.method,
        "p": comparison.p,
        "adjusted_p": comparison.adjusted_p,
        "marked": comparison.marked,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _clouds(
    paths: Sequence[Path], sides: Sequence[Side], files: FileOptions, look: FigureOptions
) -> FigureFiles:
    """Draw the projections as `degen plot-svd` does, where every matrix has one."""
    for side in sides:
        if any(not len(rows) >= rows.d >= 2 for rows in side.rows):
            note = f"{side.name} has fewer items than dimensions, or one dimension: no clouds"
            return FigureFiles(notes=[note])
    clouds = draw_svd(paths, SvdOptions(files), look)
    return FigureFiles(clouds.files, notes=clouds.notes)


def _spectra(stem: Path, compared: DatasetComparison, look: FigureOptions) -> FigureFiles:
    """Draw the normalized singular values of the lowest seeds, as they are and centred."""
    plain, centered = (
        {side.name: normalized_singular_values(side.rows[0], center=center) for side in compared.sides}
        for center in (False, True)
    )
    drawn = FigureFiles()
    with figure_style(look.style):
        figure = spectra_figure(dict(zip(_SPECTRA, (plain, centered), strict=True)), width=look.inches(2))
        about = {"title": f"Singular values: {compared.name}", "caption": "Normalized singular values."}
        drawn.save(figure, stem, look, **about)
    rows = [
        {"name": name, "index": index, "normalized": value, "normalized_centered": minus_mean}
        for name in plain
        for index, (value, minus_mean) in enumerate(zip(plain[name], centered[name], strict=True), start=1)
    ]
    drawn.write_table(stem, rows)
    return drawn


def _popularity(
    stem: Path, compared: DatasetComparison, profiles: Sequence[str], look: FigureOptions
) -> FigureFiles:
    """Draw profiles over deciles of the items, and write them."""
    curves = {
        _TITLES.get(profile, profile): {
            name: _deciles(seeds, profile) for name, seeds in compared.profiles.items()
        }
        for profile in profiles
    }
    drawn = FigureFiles()
    caption = "Measures by deciles of the items, from the rarest; unseen: never in training."
    with figure_style(look.style):
        figure = profiles_figure(curves, width=look.inches(2), interval=_interval)
        drawn.save(figure, stem, look, title=f"By popularity: {compared.name}", caption=caption)
    rows = []
    for name, seeds in compared.profiles.items():
        for key in seeds[0]:
            profile, _, bucket = key.partition("@")
            mean = math.fsum(seed[key] for seed in seeds) / len(seeds)
            rows.append({"name": name, "profile": profile, "bucket": bucket, "value": mean})
    drawn.write_table(stem, rows)
    return drawn


def _deciles(seeds: Sequence[Mapping[str, float]], profile: str) -> dict[str, list[float]]:
    """Return the profile's values of all seeds for `cold` and the deciles that hold items."""
    keys = {bucket: f"{profile}@{bucket}" for bucket in (COLD, *DECILES)}
    values = {bucket: [seed.get(key, np.nan) for seed in seeds] for bucket, key in keys.items()}
    return {bucket: several for bucket, several in values.items() if np.isfinite(several).all()}


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the mean over seeds."""
    found = over_seeds(list(values))
    return found.low, found.high

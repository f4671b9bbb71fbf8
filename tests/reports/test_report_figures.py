"""Which charts a group has, and that the tables under them hold the numbers of the runs."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hostile_runs import counts, matrix
from run_files import epochs, write_run

from degen.errors import UserError
from degen.reports.charts import by_popularity, legend, over_epochs, spectra, trajectories
from degen.reports.contents import Group
from degen.reports.gather import gather
from degen.reports.looks import Look
from degen.reports.measure_rows import glossary_table
from degen.reports.tables import deciles_table
from degen.tables.table import Table


@pytest.fixture
def group(runs: Path) -> Group:
    return gather([runs]).groups[0]


def column(table: Table, title: str) -> dict[str, str]:
    """A column's texts by the first cell of their rows."""
    at = [one.title for one in table.columns].index(title)
    return {row[0].text: row[at].text for row in table.rows}


def numbers(table: Table, title: str) -> dict[str, float]:
    """A column's numbers; four digits of each are shown."""
    return {name: float(text) for name, text in column(table, title).items()}


def test_spectra_are_of_the_runs_that_have_embeddings(group: Group) -> None:
    figure = spectra(group)
    assert figure is not None
    assert [name for _, _, name in figure.chart.lines] == ["SASRec", "SCL", "DuoRec"]
    s = np.linalg.svd(matrix(2, 0.2).astype(np.float64), compute_uv=False)
    assert numbers(figure.table, "DuoRec") == pytest.approx(
        {str(i): x for i, x in enumerate(s / s[0], 1)}, rel=1e-3
    )


def test_the_axes_of_spectra_are_those_of_the_figures(group: Group) -> None:
    figure = spectra(group)
    assert figure is not None
    chart = figure.chart
    assert [tick.text for tick in chart.x_ticks] == ["1", "2", "4", "6", "8"]  # d = 8
    assert (chart.y_ticks[0].text, chart.y_ticks[-1].text) == ("0", "1")


def test_lines_and_legend_have_the_same_styles(group: Group) -> None:
    wanted = {"SASRec": "sasrec", "UCL": "ucl", "SCL": "scl", "DuoRec": "duorec"}
    assert legend(group) == [(label, Look.of(name)) for label, name in wanted.items()]
    figure = spectra(group)
    assert figure is not None
    assert {(name, look) for look, _, name in figure.chart.lines} <= set(legend(group))


def test_each_quantity_of_an_epoch_has_a_chart_and_time_has_none(tmp_path: Path) -> None:
    rows = [
        {
            **row,
            "loss": 1 / row["epoch"],
            "rankme": 7.0,
            "train_seconds": 3.0,
            "best_epoch": 1,
            "valid_HR@10": 0.5,
        }
        for row in epochs(3)
    ]
    write_run(tmp_path / "run", metrics=rows)
    [group] = gather([tmp_path]).groups
    figures = {figure.chart.title: figure for figure in over_epochs(group)}
    assert list(figures) == [
        "validation HR@5",
        "uniformity of h",
        "alignment",
        "same-target alignment",
        "dropout alignment",
        "loss",
        "RankMe",
    ]
    assert numbers(figures["loss"].table, "DuoRec") == {"1": 1, "2": 0.5, "3": 0.3333}


def test_nulls_are_gaps_and_not_numbers(tmp_path: Path) -> None:
    rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": None}, {"epoch": 3, "loss": None}]
    write_run(tmp_path / "run", metrics=[*rows, {"epoch": 4, "loss": 1.0}])
    [figure] = over_epochs(gather([tmp_path]).groups[0])
    assert column(figure.table, "DuoRec") == {"1": "2", "4": "1"}


def test_no_number_is_damage(tmp_path: Path) -> None:
    write_run(tmp_path / "run", metrics=[{"epoch": 1, "loss": float("nan")}])
    with pytest.raises(UserError, match=r"metrics\.jsonl line 1 is not a JSON object"):
        gather([tmp_path])


def test_a_run_without_pairs_of_its_own_has_no_way_in_their_plane(group: Group) -> None:
    figures = {figure.chart.x_label: figure for figure in trajectories(group)}
    assert [name for _, _, name in figures["alignment"].chart.lines] == ["SCL", "DuoRec"]
    dropout = figures["dropout alignment"]
    assert [name for _, _, name in dropout.chart.lines] == ["SASRec", "SCL", "DuoRec"]
    # Alignment rises from .11 by .01 an epoch, uniformity falls from -1 by .1.
    assert [cell.text for cell in dropout.table.rows[0]] == ["SASRec", "0.1100", "0.1400", "-1", "-1.300"]


def test_profiles_are_of_the_items_of_each_decile(group: Group) -> None:
    figures = {figure.chart.title: figure for figure in by_popularity(group)}
    deciles = deciles_table(group)
    assert deciles is not None
    low, high = column(deciles, "lowest frequency"), column(deciles, "highest")
    assert list(low) == ["unseen", *(str(tenth) for tenth in range(1, 11) if str(tenth) in low)]
    V, frequency = matrix(1, 0.2).astype(np.float64), counts()
    norms, cosines = (column(figures[name].table, "SCL") for name in ("mean norm", "average cosine"))
    for name in low:
        inside = [v for v, f in zip(V, frequency, strict=True) if int(low[name]) <= f <= int(high[name])]
        assert float(norms[name]) == pytest.approx(np.mean([np.sqrt(v @ v) for v in inside]), rel=1e-3)
        pairs = [a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in itertools.combinations(inside, 2)]
        if pairs:
            assert float(cosines[name]) == pytest.approx(np.mean(pairs), rel=1e-3)


def test_the_deciles_count_all_items(group: Group) -> None:
    table = deciles_table(group)
    assert table is not None
    assert sum(int(text) for text in column(table, "items").values()) == len(counts())
    assert column(table, "items")["unseen"] == "1"


def test_without_frequencies_there_is_no_popularity(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", matrix(0))
    [group] = gather([tmp_path / "vectors.npy"]).groups
    assert list(by_popularity(group)) == []
    assert deciles_table(group) is None


def test_the_glossary_explains_every_measure_that_is_shown(runs: Path) -> None:
    report = gather([runs])
    table = glossary_table(report)
    assert table is not None
    explained = {row[1].text for row in table.rows}
    subjects = [subject for group in report.groups for subject in group.subjects]
    values = [name for one in subjects if one.analysis for name in one.analysis.values]
    assert explained == {name.split("@")[0] for name in values}
    assert len(explained) > 30
    assert all(len(row[3].text) > 5 for row in table.rows)

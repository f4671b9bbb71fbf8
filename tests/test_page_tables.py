"""Tables that were written by hand hold the numbers of their files, compared by row and column."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import stdev
from types import ModuleType
from typing import Any

import pytest

from degen.tables.csv_file import read_rows

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "experiments" / "results"
EXPLANATION = ROOT / "docs" / "explanation"

Row = dict[str, Any]
Table = list[dict[str, str]]

WORDS = {("found", "by", "mend")}
"""Headings of tables without measured numbers."""


# Reading a page


def tables(text: str) -> list[Table]:
    """Every table of a page, in Markdown or aligned in a block of text, as rows of cells by heading."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        heads, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in block.splitlines())
        found.append([dict(zip(heads, row, strict=True)) for row in rows])
    for block in re.findall(r"```text\n(.*?)```", text, re.DOTALL):
        heads, *rows = (re.split(r" {2,}", line.strip()) for line in block.splitlines())
        found.append([dict(zip(heads, row, strict=True)) for row in rows])
    return found


def number(cell: str) -> tuple[float, float] | None:
    """A printed number and half of its last place, or None for a cell of words."""
    plain = cell.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")).replace(",", "")
    found = re.fullmatch(r"([+-]?\d+(?:\.(\d+))?)(?:·10(-?\d+))?", plain)
    if not found:
        return None
    digits, decimals, power = found.groups()
    scale = 10.0 ** int(power or 0)
    return float(digits) * scale, 0.5 * scale * 10.0 ** -len(decimals or "")


def same(cell: str, value: object) -> bool:
    if value is None:
        return cell in ("", "–")
    printed = number(cell)
    if not isinstance(value, int | float) or printed is None:
        return cell == value
    return abs(printed[0] - value) <= printed[1] * 1.001


def differences(table: Table, rows: Sequence[Row]) -> list[str]:
    """Each cell of a table that is not that of the row and the column of the file."""
    heads = list(rows[0])
    if list(table[0]) != heads:
        return [f"the columns are {list(table[0])}, those of the file {heads}"]
    keys = [head for head in heads if all(isinstance(row[head], str) for row in rows)]
    named = {tuple(row[key] for key in keys): row for row in rows}
    assert len(named) == len(rows)
    there = [tuple(row[key] for key in keys) for row in table]
    if sorted(there) != sorted(named):
        return [f"the rows are {there}, those of the file {list(named)}"]
    return [
        f"{' '.join(key)}, {head}: {row[head]}, in the file {named[key][head]}"
        for key, row in zip(there, table, strict=True)
        for head in heads
        if not same(row[head], named[key][head])
    ]


def test_a_printed_number_is_read_with_its_precision():
    assert number("131,413") == (131413, 0.5)
    assert number("−0.0017") == (-0.0017, pytest.approx(0.00005))
    assert number("1.5·10⁻¹³") == (pytest.approx(1.5e-13), pytest.approx(5e-15))
    assert number("none, after the mend") is None
    assert same("0.25", 0.2549)
    assert not same("0.250", 0.2506)
    assert same("–", None)
    assert not same("0", None)


# Pages with a file per table


@pytest.mark.parametrize(("page", "count"), [("baselines", 6), ("trust", 2)])
def test_every_table_of_a_page_is_that_of_a_file_beside_it(page: str, count: int):
    files = {path.name: read_rows(path) for path in sorted(RESULTS.glob(f"{page}-*.csv"))}
    text = (RESULTS / f"{page}.md").read_text(encoding="utf-8")
    assert all(f"[`{name}`]({name})" in text for name in files)
    by_heads = {tuple(rows[0]): rows for rows in files.values()}
    assert len(by_heads) == len(files) == count
    compared, wrong = [], []
    for table in tables(text):
        if tuple(table[0]) not in WORDS:
            wrong += differences(table, by_heads[tuple(table[0])])
            compared.append(tuple(table[0]))
    assert not wrong, "\n".join(wrong)
    assert sorted(compared) == sorted(by_heads)


@pytest.mark.parametrize("name", ["baselines-synthetic", "baselines-masked", "trust-mutated"])
def test_exchanged_rows_and_columns_are_seen(name: str):
    rows = read_rows(RESULTS / f"{name}.csv")
    heads = list(rows[0])
    numbers = [head for head in heads if isinstance(rows[0][head], int | float)]
    table = [{head: "" if row[head] is None else str(row[head]) for head in heads} for row in rows]
    assert not differences(table, rows)
    first, second = numbers[:2]
    columns = [{**row, first: row[second], second: row[first]} for row in table]
    assert differences(columns, rows)
    of_others = {head: table[1][head] for head in numbers}
    assert differences([{**table[0], **of_others}, *table[1:]], rows)
    assert differences(table[:-1], rows)


def test_mutated_files_add_up():
    *kinds, total = read_rows(RESULTS / "trust-mutated.csv")
    for name in list(total)[1:-2]:
        assert total[name] == sum(row[name] for row in kinds)
    outcomes = ("ok", "refused", "traceback", "hang", "memory", "unsafe", "badly said")
    assert all(row["inputs"] == sum(row[name] for name in outcomes) for row in (*kinds, total))
    assert f"{total['hang']} of {total['inputs']:,} mutated".replace("2 of", "Two of") in (
        RESULTS / "trust.md"
    ).read_text(encoding="utf-8")


def words_of(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8").split())


def test_sentences_about_the_baselines_have_the_numbers_of_their_tables():
    text = words_of(RESULTS / "baselines.md")
    synthetic, ml = (
        {row["method"]: row for row in read_rows(RESULTS / f"baselines-{name}.csv")}
        for name in ("synthetic", "ml100k")
    )
    masked = read_rows(RESULTS / "baselines-masked.csv")
    assert all(row["NDCG@10"] > 0.103 for row in synthetic.values())
    ndcg = {name: f"{row['NDCG@10']:.3f}" for name, row in synthetic.items()}
    assert f"GRU4Rec has {ndcg['GRU4Rec']} and SASRec {ndcg['SASRec']}." in text
    assert f"and {ml['GRU4Rec']['NDCG@10']} and {ml['SASRec']['NDCG@10']} on test" in text
    bpr = ml["BPR-MF, `fixed`"]
    assert f"NDCG@10 of {bpr['NDCG@10']} where earlier films are ranked too and" in text
    assert f"too and {bpr['NDCG@10, no history']} where they are not" in text
    sasrec, bert = masked[:2]
    assert f"{bert['NDCG@10']} against {sasrec['NDCG@10']} on `synthetic`, with" in text
    assert f"`synthetic`, with {bert['targets'] / sasrec['targets']:.1f} times" in text
    assert f"with {masked[-1]['targets'] / 190_000:.1f} times" in text


# Pages that scripts write


def script(name: str) -> ModuleType:
    path = ROOT / "experiments" / "mechanism" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"mechanism_page_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def traced() -> dict[str, list[Row]]:
    runs: dict[str, list[Row]] = {}
    for row in read_rows(RESULTS / "mechanism.csv"):
        runs.setdefault(row["run"], []).append(row)
    return runs


def test_the_pages_of_the_mechanism_are_what_their_scripts_write_from_the_files():
    tested = {row["run"]: row for row in read_rows(RESULTS / "mechanism-test.csv")}
    page = script("collect").page(traced(), tested)
    assert (RESULTS / "mechanism.md").read_text(encoding="utf-8") == page
    page = script("eq3").page(read_rows(RESULTS / "mechanism-eq3.csv"), 1.0)
    assert (RESULTS / "mechanism-eq3.md").read_text(encoding="utf-8") == page


# Tables of the explanation


MOVED_BY = {
    "Adam, ε 1e-8": "sasrec",
    "Adam, ε 1e-4": "eps-1e-4",
    "Adam, ε 1e-3": "eps-1e-3",
    "SGD with momentum": "sgd",
    "Adam, 1,024 sampled negatives": "sampled",
    "the same, lazy": "sampled-lazy",
    "DuoRec, Adam, ε 1e-8": "duorec",
}
"""Runs of `mechanism.csv` by their rows in the explanation."""

MEASURED = {
    "loss": ("loss", 8),
    "valid NDCG@10": ("valid_NDCG@10", 8),
    "average cosine": ("average_cosine", 8),
    "within the rarest": ("pairwise_cosine_rarest", 8),
    "σ₂/σ₁": ("sigma2_ratio", 8),
    "‖Δv‖ of the rarest / of the most frequent, epoch 1": ("step_ratio", 1),
}
"""Columns of `mechanism.csv` and their epochs by their headings in the explanation."""


def table_with(page: str, head: str) -> Table:
    [table] = [
        table
        for table in tables(re.sub(r"```text.*?```", "", (EXPLANATION / page).read_text(), flags=re.DOTALL))
        if head in table[0]
    ]
    return table


def test_the_table_of_optimisers_has_the_numbers_of_its_run_and_epoch():
    runs = traced()
    head, *heads = table_with("mechanism.md", "items moved by")[0]
    assert heads == list(MEASURED)
    expected = [
        {head: label, **{name: runs[run][epoch - 1][key] for name, (key, epoch) in MEASURED.items()}}
        for label, run in MOVED_BY.items()
    ]
    assert all(rows[7]["epoch"] == 8 for rows in runs.values())
    assert not differences(table_with("mechanism.md", "items moved by"), expected)


def test_sentences_about_the_optimisers_have_the_numbers_of_their_run_and_epoch():
    runs = traced()
    tested = {row["run"]: row for row in read_rows(RESULTS / "mechanism-test.csv")}
    of = [runs[name] for name in ("sasrec", "eps-1e-4", "eps-1e-3", "sgd")]
    rarest, share = "pairwise_cosine_rarest", "push_share_rarest"
    last = [f"{rows[7][rarest]:.3f}" for rows in of]
    everywhere = [f"{rows[7]['average_cosine']:.3f}" for rows in of[:3]]
    shares = [rows[0][share] for rows in runs.values() if rows[0][share] is not None]
    adam, sgd, duorec = runs["sasrec"], runs["sgd"], runs["duorec"]
    steps = [rows[0]["step_pairwise_cosine_rarest"] for rows in (adam, sgd)]
    ratios = [rows[0]["step_ratio"] for rows in (adam, sgd)]
    ndcg = [f"{tested[name]['NDCG@10']:.4f}" for name in ("sasrec", "eps-1e-4", "sgd", "eps-1e-3")]
    best = [tested[name]["epoch"] for name in ("sasrec", "eps-1e-4", "sgd", "eps-1e-3")]
    assert [len(runs[name]) for name in ("sasrec", "eps-1e-4", "sgd")] == best[:3]
    assert len(runs["eps-1e-3"]) > best[3]
    assert sgd[0][rarest] == pytest.approx(sgd[1][rarest], abs=5e-4)
    said = [
        f"rarest decile is {last[0]} under Adam, {last[1]} with ε 1e-4, {last[2]} with ε 1e-3 and "
        f"{last[3]} under SGD.",
        f"the average cosine is {sgd[0][rarest]:.3f} within the rarest decile and "
        f"{sgd[0]['pairwise_cosine_most_frequent']:.3f} within the most frequent one, and "
        f"{sgd[0]['average_cosine']:.3f} over all items",
        f"makes up {min(shares):.2f} to {max(shares):.2f} of the length of a rare item's gradients",
        f"{ratios[0]:.1f} times as far as the most frequent ones under Adam, and {ratios[1]:.2f} times as "
        "far under SGD",
        f"a mean cosine of {steps[0]:.2f} under Adam. In epoch 8 it is "
        f"{adam[7]['step_pairwise_cosine_rarest']:.3f}",
        f"falls from {adam[0]['average_cosine']:.3f} after the first epoch to "
        f"{adam[7]['average_cosine']:.3f} at epoch 8",
        f"is {sgd[0][rarest]:.3f} in epochs 1 and 2 under SGD, and {sgd[7][rarest]:.3f} at epoch 8",
        f"a mean cosine of {steps[1]:.2f} in epoch 1",
        f"({duorec[7]['average_cosine']:.3f} against {adam[7]['average_cosine']:.3f}), the one within the "
        f"rarest decile is not ({duorec[7][rarest]:.3f} against {adam[7][rarest]:.3f})",
        f"is {ndcg[0]} for Adam, {ndcg[1]} for ε 1e-4, {ndcg[2]} for SGD and {ndcg[3]} for ε 1e-3",
        "the best epochs are {}, {}, {} and {}".format(*best),
    ]
    text = words_of(EXPLANATION / "mechanism.md")
    assert not [sentence for sentence in said if sentence not in text]
    text = words_of(ROOT / "experiments" / "mechanism" / "README.md")
    said = [
        f"is {everywhere[0]} under Adam, {everywhere[1]} with ε 1e-4, {everywhere[2]} with ε 1e-3 and "
        f"{sgd[7]['average_cosine']:.4f} under SGD; within the rarest decile it is {last[0]}, {last[1]}, "
        f"{last[2]} and {last[3]}.",
        f"{min(shares):.2f} to {max(shares):.2f} of the length",
        f"move {ratios[0]:.1f} times as far as the most frequent ones, under SGD {ratios[1]:.2f} times",
    ]
    assert not [sentence for sentence in said if sentence not in text]


def one_seed(log: str) -> dict[tuple[str, str], Row]:
    return {(row["variant"], row["batch_by"]): row for row in read_rows(RESULTS / f"{log}.csv")}


def test_batches_of_users_have_the_numbers_of_their_runs():
    fastest: list[Row] = []
    for row in read_rows(RESULTS / "beauty-epochs.csv"):
        if row["epoch"] == 1:
            fastest.append({"variant": row["variant"], "seconds": row["train_seconds"]})
        fastest[-1]["seconds"] = min(fastest[-1]["seconds"], row["train_seconds"])
    runs, head = one_seed("beauty"), "Beauty, recipe `official`, one seed, one thread"
    expected = []
    for variant, label in (("sasrec", "SASRec"), ("duorec", "DuoRec")):
        seconds = [row["seconds"] for row in fastest if row["variant"] == variant]
        for by, second in zip(("samples", "users"), seconds, strict=True):
            run = runs[variant, by]
            row = {head: f"{label}, by {by}", "seconds of the fastest epoch": second}
            expected.append({**row, "best epoch": run["best_epoch"], "NDCG@10": run["NDCG@10"]})
    assert not differences(table_with("speed.md", head), expected)
    change = [
        runs[name, "users"]["NDCG@10"] - runs[name, "samples"]["NDCG@10"] for name in ("sasrec", "duorec")
    ]
    said = f"for SASRec ({change[0]:+.4f}) and higher for DuoRec ({change[1]:+.4f})".replace("-", "−")
    assert said in words_of(EXPLANATION / "speed.md")


def interval(values: Sequence[float]) -> str:
    """Return a mean ± half of its 95 % interval over two or three seeds, by tables of Student's t."""
    half = {2: 12.706, 3: 4.303}[len(values)] * stdev(values) / len(values) ** 0.5
    return f"{sum(values) / len(values):.4f} ± {half:.4f}"


def test_the_baseline_beside_the_table_of_the_paper_is_that_of_its_runs():
    table = {row["source"]: row for row in table_with("paper-tables.md", "source")}
    single = one_seed("beauty")["sasrec", "samples"]
    runs = [row for row in read_rows(RESULTS / "paper" / "table2.csv") if row["dataset"] == "beauty"]
    values = {(row["variant"], row["seed"]): row for row in runs}
    for metric in ("NDCG@10", "HR@10"):
        assert same(table["degen, recipe `official`, one seed, stopped by MRR@10"][metric], single[metric])
        row = table["degen, recipe `official`, mean of seeds 0 to 2, stopped by NDCG@10"]
        assert row[metric] == interval([values["sasrec", seed][f"test_{metric}"] for seed in (0, 1, 2)])
    apart = max(
        abs(float(a["NDCG@10"][:6]) - float(b["NDCG@10"][:6]))
        for a in table.values()
        for b in table.values()
        if "Table 2" not in a["source"] + b["source"]
    )
    assert f"within {apart:.4f} of each other" in words_of(EXPLANATION / "paper-tables.md")
    duorec = one_seed("beauty")["duorec", "samples"]
    text = words_of(EXPLANATION / "paper-tables.md")
    gain, half = duorec["NDCG@10_less_sasrec"], duorec["NDCG@10_half_width"]
    assert f"ahead by {gain:.4f} ± {half:.4f}" in text
    ahead = interval(
        [values["duorec", n]["test_NDCG@10"] - values["sasrec", n]["test_NDCG@10"] for n in range(3)]
    )
    assert f"over the seeds 0 to 2, it was ahead by {ahead} (95 % interval over seeds)" in text


def test_sentences_about_single_runs_have_their_numbers():
    epochs = {row["variant"]: row for row in read_rows(RESULTS / "clothing-epochs.csv") if row["epoch"] == 25}
    clothing, beauty, paper = one_seed("clothing"), one_seed("beauty"), one_seed("beauty-paper")
    names = ("scl", "ucl+scl", "duorec")
    common = [f"{epochs[name]['valid_NDCG@10']:.4f}" for name in names]
    best = [f"{clothing[name, 'samples']['NDCG@10']:.4f}" for name in names]
    text = words_of(EXPLANATION / "paper-code-and-degen.md")
    assert f"DuoRec is {common[0]}, {common[1]} and {common[2]}." in text
    assert f"test NDCG@10 is {best[0]}, {best[1]} and {best[2]}." in text
    again = {row["method"]: row for row in read_rows(RESULTS / "cures.csv") if row["dataset"] == "beauty"}
    first, second = beauty["duorec", "samples"], again["duorec"]
    assert (
        f"moved from NDCG@10 {first['NDCG@10']:.4f} to {second['NDCG@10_all']:.4f} "
        f"and from HR@10 {first['HR@10']:.4f} to {second['HR@10_all']:.4f}."
    ) in words_of(EXPLANATION / "statistics.md")
    uniform = [
        f"{paper[name, 'samples']['uniformity']:.2f}".replace("-", "−") for name in ("sasrec", "duorec")
    ]
    text = words_of(EXPLANATION / "degeneration.md")
    assert f"uniformity is {uniform[0]} for SASRec and {uniform[1]} for DuoRec." in text


def test_h_of_duorec_and_scl_is_less_uniform_at_every_shared_epoch():
    for log, names in {
        "beauty": ("scl", "duorec"),
        "clothing": ("scl", "duorec"),
        "sports": ("duorec",),
        "yelp": ("duorec",),
    }.items():
        by_name: dict[str, dict[int, float]] = {}
        for row in read_rows(RESULTS / f"{log}-epochs.csv"):  # of two runs, the first, by samples
            by_name.setdefault(row["variant"], {}).setdefault(row["epoch"], row["uniformity"])
        for name in names:
            shared = by_name["sasrec"].keys() & by_name[name].keys()
            assert len(shared) >= 25
            assert all(by_name[name][epoch] > by_name["sasrec"][epoch] for epoch in shared)


PENALTIES = ("cosreg", "spectrum", "item-uniformity")


@pytest.mark.parametrize("log", ["beauty", "clothing"])
def test_what_is_said_of_mitigations_is_what_was_measured(log: str):
    rows = {row["method"]: row for row in read_rows(RESULTS / "cures.csv") if row["dataset"] == log}
    text = words_of(EXPLANATION / "mitigations.md")
    cosines = sorted(rows[name]["average_cosine"] for name in PENALTIES)
    base = rows["sasrec"]["average_cosine"]
    assert f"{cosines[0]:.2f} to {cosines[-1]:.2f} on {log.title()} (SASRec: {base:.2f})" in text
    assert f"from {base:.2f} to {cosines[-1]:.2f} or less on {log.title()}" in text
    assert all(abs(rows[name]["difference"]) < 0.0005 for name in PENALTIES)
    duorec, sasrec, gating = rows["duorec"], rows["sasrec"], rows["gating"]
    assert duorec["NDCG@10_head"] > sasrec["NDCG@10_head"]
    assert duorec["NDCG@10_tail"] < sasrec["NDCG@10_tail"]
    assert f"{gating['average_cosine']:.2f} on {log.title()} (SASRec: {base:.2f})" in text
    removed = rows["all-but-the-top"]
    head, tail = ([row[f"NDCG@10_{part}"] for row in (duorec, sasrec, removed)] for part in ("head", "tail"))
    said = {
        "clothing": f"ahead by {duorec['difference']:.4f} ± {2 * duorec['difference_se']:.4f} over all "
        f"targets. Among frequent targets it is {head[0]:.3f} against {head[1]:.3f}, "
        f"among rare ones {tail[0]:.4f} against {tail[1]:.4f}",
        "beauty": f"(Beauty {tail[1]:.3f} to {tail[2]:.3f}) and lowers that of head targets "
        f"({head[1]:.3f} to {head[2]:.3f})",
    }
    assert said[log] in text
    sgd = rows["sgd"]["difference"]
    said = {
        "beauty": f"was {-sgd:.4f} behind SASRec in NDCG@10 on Beauty",
        "clothing": f"{sgd:.4f} ahead on Clothing",
    }
    assert said[log] in text
    assert f"{rows['sgd']['average_cosine']:.2f}" == "0.00"

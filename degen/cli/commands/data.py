"""`degen data`: list, describe, download and process interaction logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.options import LOG, Typed, default, takes
from degen.cli.output import Output
from degen.errors import UserError, counted

if TYPE_CHECKING:
    from degen.data.catalog import Entry
    from degen.data.load import DataOptions, Dataset

app = typer.Typer(no_args_is_help=True, help="List, describe, download and process interaction logs.")

COUNTS = ("users", "items", "actions")

SourceArgument = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE", help="Name in `degen data list`, or an interaction log."),
]


@app.command("list")
@takes()
def list_datasets(output: Output) -> None:
    """List the datasets that are available, with their size as counted and as in Table 1 of the paper.

    [bold]Example[/bold]

      DEGEN_DATA=logs degen data list
    """
    from degen.data.catalog import CATALOG, here, other_logs

    rows = [_row(entry.name, here(entry), entry) for entry in CATALOG.values()]
    rows += [_row(name, path, None) for name, path in other_logs().items()]
    if output.result(rows):
        return
    cells, others = [], []
    for row in rows:
        counts, table1 = ([row[f"{start}{key}"] for key in COUNTS] for start in ("", "table1_"))
        alike = None if None in table1 or None in counts else "equal" if counts == table1 else "differs"
        if None not in table1 and alike != "equal":
            others.append(f"{row['name']} " + ", ".join(map("{:,} {}".format, table1, COUNTS)))
        cells.append([row["name"], *counts, alike, row["problem"] or Path(row["where"]).name])
    output.table(["name", *COUNTS, "Table 1", "place"], cells)
    if others:
        output.paragraph(f"The paper's Table 1 has: {'; '.join(others)}")
    output.note(
        *(f"{entry.name}: {entry.title}; {entry.page}; {entry.licence}" for entry in CATALOG.values())
    )


def _row(name: str, path: Path | None, entry: Entry | None) -> dict[str, Any]:
    """Return a row of the list; a damaged log shows its error in place of its counts."""
    from degen.data.load import load_dataset

    table1 = entry and entry.table1
    counts: dict[str, int | None] = dict.fromkeys(COUNTS)
    problem = None
    where = "generated" if name == "synthetic" else "not here"
    if path is not None or name == "synthetic":
        try:
            sequences = load_dataset(name).sequences
        except UserError as error:
            problem = str(error)
        else:
            counts = {"users": sequences.n_users, "items": sequences.n_items, "actions": len(sequences.items)}
    return {
        "name": name,
        **counts,
        **{f"table1_{key}": table1 and getattr(table1, key) for key in COUNTS},
        "where": where if path is None else str(path),
        "problem": problem,
        "place": entry and entry.page,
        "licence": entry and entry.licence,
    }


@app.command()
@takes(log=LOG)
def stats(source: SourceArgument, log: Typed, output: Output) -> None:
    """Count and measure an interaction log after filtering, and compare it with Table 1 of the paper.

    [bold]Examples[/bold]

      degen data stats beauty
      degen data stats visits.csv.gz --columns user=visitor,item=page,time=at
    """
    from degen.data.statistics import compare_with_table1, statistics

    dataset, _ = _load(source, log, output)
    numbers, comparison = statistics(dataset), compare_with_table1(dataset)
    about = {"name": dataset.name, "source": dataset.source, "fingerprint": dataset.fingerprint}
    if output.result(about | numbers.as_dict() | {"table1": comparison, "notes": list(dataset.notes)}):
        return
    rows = [
        ("users", f"{numbers.users:,}"),
        ("items", f"{numbers.items:,}"),
        ("actions", f"{numbers.actions:,}"),
        ("average length", f"{numbers.average_length:.1f}"),
        ("median and maximum length", f"{numbers.median_length:g} and {numbers.longest:,}"),
        ("sparsity", f"{numbers.sparsity:.2%}"),
        ("training samples", f"{numbers.training_samples:,}"),
        ("Gini of the items' training frequency", f"{numbers.gini:.3f}"),
        ("share of the rarer half of the items", f"{numbers.rarest_half_share:.1%}"),
        ("items unseen in training", f"{numbers.zero_frequency_items:,}"),
        ("repeated actions on an item", f"{numbers.repeats:,}"),
        ("actions with tied times", "no times" if numbers.tie_share is None else f"{numbers.tie_share:.1%}"),
    ]
    output.table(("", dataset.name), rows)
    if comparison is not None:
        output.line(f"{dataset.name}: {comparison}")


def _load(source: str, typed: Typed, output: Output) -> tuple[Dataset, DataOptions]:
    """Load the dataset `source` with the options that were typed, and print its notes."""
    from degen.bars import reading_bar
    from degen.data.catalog import SYNTHETIC
    from degen.data.load import DataOptions, load_dataset

    given = {name: value for name, value in typed.items() if value is not None}
    for name in ("users", "items", "seed"):
        if name in given and source.lower() != SYNTHETIC:
            raise UserError(
                f"--{name} is only for {SYNTHETIC}, which is generated; "
                f"{source} is read from a file, so leave it out"
            )
    options = DataOptions(**given)
    with reading_bar(output.quiet):
        dataset = load_dataset(source, options)
    output.note(*(f"{dataset.name}: {note}" for note in dataset.notes))
    return dataset, options


@app.command()
@takes()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name in `degen data list`.")],
    output: Output,
) -> None:
    """Download a dataset and verify it; if its owner does not allow that, say where to get it.

    [bold]Example[/bold]

      degen data fetch ml-1m
    """
    from degen.data.fetch import fetch as fetch_dataset

    path = fetch_dataset(name)
    if not output.result({"name": name.lower(), "path": str(path)}):
        output.line(path)


@app.command()
@takes(writes=True, log=LOG)
def prepare(
    source: SourceArgument,
    log: Typed,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder, or file that ends in .txt.gz." + default("the cache folder")),
    ] = None,
    *,
    output: Output,
) -> None:
    """Write a processed log: a line per user, oldest action first, gzipped, with a note of its origin.

    [bold]Examples[/bold]

      degen data prepare reviews_Beauty_5.json.gz --out logs
      degen data prepare synthetic --users 200000 --out big.txt.gz
    """
    from degen.bars import reading_bar
    from degen.data.prepared import prepared_path, refuse_other, write_log

    if out is not None and out.is_file():
        refuse_other(out)
    dataset, options = _load(source, log, output)
    path = prepared_path(dataset.name, out)
    size = ("users", "items", "seed") if dataset.source == "synthetic" else ()
    form = ("columns", "header", "separator", "time_format")
    settings = (*form, "min_user", "min_item", "core", *size)
    made_from = {
        "name": dataset.name,
        "source": dataset.source,
        "fingerprint": dataset.fingerprint,
        "settings": {key: getattr(options, key) for key in settings},
        "notes": list(dataset.notes),
    }
    with reading_bar(output.quiet):
        note = write_log(dataset.sequences, path, made_from)
    if not output.result({"path": str(path), **note}):
        output.line(path)
        output.note(
            f"{counted(note['actions'], 'action')} of {counted(note['users'], 'user')}; "
            f"SHA-256 {note['sha256']}",
            f"train with it: degen train --dataset {path}",
        )

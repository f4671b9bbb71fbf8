"""The options of every command that takes a dataset, defined once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.config import sentence
from degen.data.columns import parse_columns

if TYPE_CHECKING:
    from degen.data.load import DataOptions

_PANEL = "Data"

ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="user=…,item=…,time=…",
        help=sentence("data", "columns"),
        rich_help_panel=_PANEL,
    ),
]
InputFormatOption = Annotated[
    str | None,
    typer.Option(
        "--input-format",
        metavar="NAME",
        help=sentence("data", "input_format"),
        rich_help_panel=_PANEL,
    ),
]
MinUserOption = Annotated[
    int | None,
    typer.Option(
        "--min-user",
        help=sentence("data", "min_user"),
        rich_help_panel=_PANEL,
    ),
]
MinItemOption = Annotated[
    int | None,
    typer.Option(
        "--min-item",
        help=sentence("data", "min_item"),
        rich_help_panel=_PANEL,
    ),
]
CoreOption = Annotated[
    str | None,
    typer.Option(
        "--core",
        metavar="iterated|once",
        help=sentence("data", "core"),
        rich_help_panel=_PANEL,
    ),
]
_SYNTHETIC = "Only for `synthetic`"
UsersOption = Annotated[
    int | None, typer.Option("--users", help="Users to generate.", rich_help_panel=_SYNTHETIC)
]
ItemsOption = Annotated[
    int | None, typer.Option("--items", help="Items to generate.", rich_help_panel=_SYNTHETIC)
]
DataSeedOption = Annotated[
    int | None, typer.Option("--seed", help="Seed of the generator.", rich_help_panel=_SYNTHETIC)
]


def data_options(
    columns: str | None = None,
    input_format: str | None = None,
    min_user: int | None = None,
    min_item: int | None = None,
    core: str | None = None,
    **synthetic: int | None,
) -> DataOptions:
    """Build the options of `load_dataset` from what was typed.

    Parameters
    ----------
    synthetic
        `users`, `items` and `seed`; None leaves the default.

    Raises
    ------
    UserError
        naming the option whose value cannot be.
    """
    from degen.data.load import DataOptions

    given = {
        "input_format": input_format,
        "min_user": min_user,
        "min_item": min_item,
        "core": core,
        **synthetic,
    }
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return DataOptions(columns=None if columns is None else parse_columns(columns), **chosen)

"""The options of every command that takes a dataset, defined once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from degen.config.settle import sentence
from degen.errors import UserError

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


_OPTIONS: dict[str, Any] = {
    "columns": ColumnsOption,
    "input_format": InputFormatOption,
    "min_user": MinUserOption,
    "min_item": MinItemOption,
    "core": CoreOption,
    "users": UsersOption,
    "items": ItemsOption,
    "seed": DataSeedOption,
}


def takes_data_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a dataset in the place of its parameter `options`, a `DataOptions`.

    They are built from what was typed for the dataset that the command's `source` names. Typer reads the
    options off a command's signature, so they are written into that.
    """
    # `DataOptions` itself is not there: it would bring NumPy along before anything is to be read.
    hints = get_type_hints(command, localns={"DataOptions": Any}, include_extras=True)
    parameters = []
    for parameter in signature(command).parameters.values():
        if parameter.name == "options":
            parameters += [
                Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=option)
                for name, option in _OPTIONS.items()
            ]
        else:
            parameters.append(
                parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
            )

    @wraps(command)
    def with_options(*, source: str, **typed: Any) -> None:
        options = data_options(source, **{name: typed.pop(name) for name in _OPTIONS})
        command(source=source, options=options, **typed)

    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def data_options(source: str, *, columns: str | None = None, **typed: Any) -> DataOptions:
    """Build the options of `load_dataset` from what was typed for the dataset `source`; None is the default.

    Raises
    ------
    UserError
        naming the option whose value cannot be, or which this dataset does not have.
    """
    from degen.data.catalog import SYNTHETIC
    from degen.data.load import DataOptions

    given = {name: value for name, value in typed.items() if value is not None}
    for name in ("users", "items", "seed"):
        if name in given and source.lower() != SYNTHETIC:
            raise UserError(
                f"--{name} is only for {SYNTHETIC}, which is generated; "
                f"{source} is read from a file, so leave it out"
            )
    return DataOptions(columns=columns, **given)

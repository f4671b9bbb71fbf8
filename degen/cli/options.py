"""Options that several commands share, each defined once, and the values that are typed for them.

A command takes a group of options as one parameter, a dictionary of what was typed:

    @takes(look=LOOK)
    def plot_svd(paths: RunsOrFiles, look: Typed) -> None:
        options = FigureOptions(**look)

The options of keys of the configuration are read from its schema (`degen.config.schema`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from degen.cli.help import flowing
from degen.cli.output import Output
from degen.cli.synonyms import OPTIONS as SYNONYMS
from degen.config.facts import KEYS, OPTIONS, about, choices_of, sentence, value_type
from degen.config.key_names import key_named
from degen.config.schema import Config
from degen.config.settle import Values, merge
from degen.errors import UserError, nearest
from degen.files.outputs import replacing
from degen.files.parse import Unreadable, parse_toml

Typed = dict[str, Any]
"""Values of a group of options by parameter; None where nothing was typed and there is no default."""

Group = Mapping[str, tuple[Any, Any]]
"""Options by parameter: each its annotation, with Typer's description of it, and its default."""

WIDEST = 18
"""Characters of choices that an option's help lists; longer lists are left to its sentence."""


COMMON = ("--epochs", "--lambda", "--seed", "--device")
"""Options of keys that stand in the first panel of the help."""


def default(text: str) -> str:
    """Return `text` as a note of a default that Typer cannot know, for the end of an option's help."""
    return rf"  [dim]\[default: {text}][/dim]"


RunsOrFiles = Annotated[
    list[Path],
    typer.Argument(metavar="PATH…", help="Runs, folders of runs, or matrix files.", show_default=False),
]
Runs = Annotated[
    list[Path], typer.Argument(metavar="PATH…", help="Runs, or folders of runs.", show_default=False)
]
Measures = Annotated[
    str | None,
    typer.Option("--measures", help="Measures and groups, separated by commas." + default("all")),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Seed of the runs that are shown." + default("the lowest"))
]
Aggregate = Annotated[
    str | None,
    typer.Option(
        "--aggregate", help="Show all seeds: each by itself (each), or averaged (mean)." + default("one seed")
    ),
]
Modules = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        help="Python module with variants or measures of your own; importing it executes it. Repeatable.",
        metavar="MODULE",
    ),
]
Device = Annotated[str, typer.Option("--device", help=sentence("device"))]


def option(kind: Any, flag: str, help: str, value: Any = None, **about: Any) -> tuple[Any, Any]:
    """Return an option of a group: its annotation, of a type and a `typer.Option`, and its default."""
    return Annotated[kind, typer.Option(flag, help=help, **about)], value


OUTPUT: Group = {
    "as_json": option(bool, "--json", "Print the result as JSON on stdout; progress stays on stderr.", False),
    "quiet": (
        Annotated[bool, typer.Option("--quiet", "-q", help="Print only results and errors.")],
        False,
    ),
}
"""Options of every command, which takes them as its parameter `output`."""

FILES: Group = {
    "frequency": option(
        Path | None,
        "--frequency",
        "How often each item occurs: counts, FILE:COLUMN, or an interaction log." + default("the run's"),
    ),
    "key": option(str | None, "--key", "Name of the array in a file that has several, or column of lists."),
    "skip_rows": option(
        str | None,
        "--skip-rows",
        "Rows that are not items: first, last, none, or numbers such as 0,-1."
        + default("those of the project that wrote the checkpoint, if known"),
    ),
    "ids": option(
        str | None,
        "--ids",
        "Column of ids, by name or number from 0, or none." + default("the one that leaves no doubt"),
    ),
    "separator": option(
        str | None,
        "--separator",
        "Sign between the fields of a text, or tab or blank." + default("the one its first lines show"),
    ),
}
"""Options of commands that read matrix files."""

LOOK: Group = {
    "out": option(Path | None, "--out", "Folder for the files." + default("figures/ under PATH")),
    "width": option(
        str | None,
        "--width",
        "Width of a figure: column (3.337 in), text (7.006 in), or inches."
        + default("column for one or two panels"),
    ),
    "style": option(str, "--style", "paper or slides.", "paper"),
    "formats": option(str, "--format", "pdf, png, svg, separated by commas.", "pdf,png"),
}
"""Options of commands that draw figures."""


def key_option(key: str, *, flag: str | None = None, panel: str | None = None) -> tuple[Any, None]:
    """Return an option of a group that sets a key of the configuration, and None as its default.

    What is not typed is decided by the file, the recipe or the key's own default, which the help shows.
    `flag` and `panel` replace the key's own option and its heading in the help.
    """
    group, field = KEYS[key]
    shown, choices = about(key, "unset") or field.default, "|".join(choices_of(key))
    name = flag or OPTIONS[key]
    # Recipes turn those of baselines on. A key whose default is None may be turned off, too.
    if value_type(key) is bool and (group == "baseline" or field.default is None):
        name += f"/--no-{name.removeprefix('--')}"
    note = "" if shown is None or shown is False or shown == "" else default(str(shown))
    option = typer.Option(
        name,
        help=sentence(key) + note,
        metavar=about(key, "metavar") or (choices if 0 < len(choices) <= WIDEST else None),
        rich_help_panel=panel
        or ("Options" if name in COMMON else None)
        or about(key, "panel")
        or group.capitalize(),
        show_default=False,
    )
    return Annotated[value_type(key) | None, option], None


_SYNTHETIC = "Only for `synthetic`"
LOG: Group = {
    **{
        key: key_option(key)
        for key in (
            *("columns", "input_format", "header", "separator", "time_format"),
            *("min_user", "min_item", "core"),
        )
    },
    "users": key_option("users", panel=_SYNTHETIC),
    "items": key_option("items", panel=_SYNTHETIC),
    "seed": key_option("data_seed", flag="--seed", panel=_SYNTHETIC),
}
"""Options of commands that read an interaction log; the parameters are fields of `DataOptions`."""


FORCE: Group = {
    "force": option(
        bool, "--force", "Also replace files that degen did not write, or that were changed since.", False
    )
}
"""Option of commands that write files where the user says."""


def takes(*, writes: bool = False, **groups: Group) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of groups, each in the place of the parameter that is named here.

    Typer reads the options from a command's signature, so the parameter is replaced in it by the options of
    the group, and the command is called with a dictionary of their values, or with an `Output` as `output`.
    With `writes` the command has the option --force, for its outputs.
    """
    groups["output"] = {**(FORCE if writes else {}), **OUTPUT}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        parameters = []
        for name, parameter in signature(command).parameters.items():
            options = groups.get(name, {name: (hints[name], parameter.default)})
            parameters += [
                Parameter(_parameter(option), Parameter.KEYWORD_ONLY, default=value, annotation=annotation)
                for option, (annotation, value) in options.items()
            ]

        @wraps(command)
        def with_options(*arguments: Any, **typed: Any) -> None:
            grouped = {
                name: {key: typed.pop(_parameter(key), value) for key, (_, value) in group.items()}
                for name, group in groups.items()
            }
            printing = grouped.pop("output")
            force, output = printing.pop("force", False), Output(**printing)
            with replacing(force, output.note):
                command(*arguments, output=output, **grouped, **typed)

        with_options.__doc__ = flowing(command.__doc__ or "")
        with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_options

    return decorate


def _parameter(key: str) -> str:
    """Return the name of a command's parameter for an option of a group: `lambda` is a word of Python."""
    return f"{key}_" if iskeyword(key) else key


def split_assignment(text: str) -> tuple[str, str, str]:
    """Return group, key and the text of the value of `--set group.key=value`."""
    path, equals, raw = text.partition("=")
    group, dot, key = path.strip().partition(".")
    if not equals or not dot:
        raise UserError(
            f"--set {text}: write it as group.key=value, for example --set training.adam_eps=1e-6"
        )
    key = key_named(key)
    if key not in KEYS and (meant := _key_meant(key)) is not None:
        full = meant if KEYS[meant][0] == group else f"{KEYS[meant][0]}.{meant}"
        raise UserError(f"--set {text}: unknown key {group}.{key}; did you mean '{full}'?")
    return group, key, raw


def _key_meant(name: str) -> str | None:
    """Return the key that other tools call by this name; None where none is known."""
    options = {f"--{other}" for other in SYNONYMS.get(name.replace("_", "-"), ())}
    return next((key for key, option in OPTIONS.items() if option in options), None)


def parse_assignments(assignments: Iterable[str]) -> Values:
    """Parse `--set group.key=value`, the value as TOML; a bare word is taken as a string.

    Raises
    ------
    UserError
        if an assignment has another form, or an unknown group.

    >>> parse_assignments(["training.adam_eps=1e-6", "objective.similarity=cosine"])
    {'training': {'adam_eps': 1e-06}, 'objective': {'similarity': 'cosine'}}
    """
    values: Values = {}
    for text in assignments:
        group, key, raw = split_assignment(text)
        if group not in Config.model_fields:
            raise UserError(f"--set {text}: unknown group '{group}'{nearest(group, Config.model_fields)}")
        try:
            value = parse_toml(f"value = {raw.strip()}")["value"]
        except Unreadable:
            value = raw.strip()
        values = merge(values, {group: {key: value}})
    return values

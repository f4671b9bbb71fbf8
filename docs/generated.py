"""Pages of reference in Markdown, generated from the code: commands, keys of the configuration, measures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

from degen.config.facts import KEYS, about, group_of
from degen.config.schema import Config

HEADING = "[bold]Examples[/bold]"


def cell(text: str) -> str:
    """Return text for a cell of a table: Markdown is escaped, options and what is in backticks are code."""
    words, *others = " ".join(text.split()).split("`")
    parts = [_words(words)]
    for number, part in enumerate(others):
        parts.append(code(part) if number % 2 == 0 and number + 1 < len(others) else _words(part))
    return "".join(parts)


def _words(text: str) -> str:
    escaped = re.sub(r"([\\*_\[\]|])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
    return re.sub(r"(?<![\w-])(--[a-z][\w-]*)", r"`\1`", escaped)


def code(text: str) -> str:
    """Return text as code in a cell of a table, or nothing."""
    return f"`{text}`".replace("|", r"\|") if text else ""


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table of finished cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


# -------------------------------------------------------------------------------------------- the commands


def command_line() -> str:
    """Return a section per command: what it does, its usage, its examples and a table of its options."""
    from typer.main import get_command

    from degen.cli.app import app

    return "\n".join(_section(name, command) for name, command in commands(get_command(app)))


def commands(group: Any, above: str = "degen") -> Iterator[tuple[str, Any]]:
    """Yield every command that is not hidden, by its full name such as `degen data stats`."""
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from commands(command, f"{above} {name}")
        elif not command.hidden:
            yield f"{above} {name}", command


def _section(name: str, command: Any) -> str:
    from degen.cli.help import argument_sign

    context = command.context_class(command, info_name=name)
    command.get_params(context)  # gives options the signs of their values that the help shows
    words, _, examples = inspect.cleandoc(command.help or "").partition(HEADING)
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([name, "[OPTIONS]", *(argument_sign(p) for p in arguments)])
    typed = [line.strip() for line in examples.splitlines() if line.strip()]
    parts = [f"## {name}\n", "\n\n".join(cell(p) for p in _plain(words).strip().split("\n\n")) + "\n"]
    parts += [f"```text\n{usage}\n```\n"]
    if typed:
        parts += ["Examples:\n", "```bash\n" + "\n".join(_plain(line) for line in typed) + "\n```\n"]
    if arguments:
        rows = [[code(p.metavar or p.name.upper()), cell(_help(p)[0])] for p in arguments]
        parts.append(table(["argument", "meaning"], rows))
    panels: dict[str, list[list[str]]] = {}
    for parameter in command.params:
        if parameter.param_type_name == "option" and not parameter.hidden:
            panels.setdefault(parameter.rich_help_panel or "Options", []).append(_row(parameter, context))
    for title, rows in sorted(panels.items(), key=lambda item: item[0] != "Options"):
        parts.append(
            (f"**{title}**\n\n" if len(panels) > 1 else "") + table(["option", "meaning", "default"], rows)
        )
    return "\n".join(parts)


def _row(parameter: Any, context: Any) -> list[str]:
    sentence, default = _help(parameter)
    if not default and parameter.default not in (None, False, ()) and not callable(parameter.default):
        default = str(parameter.default)
    flags = ", ".join(code(flag) for flag in (*parameter.opts, *parameter.secondary_opts))
    return [" ".join(filter(None, [flags, code(_value(parameter, context))])), cell(sentence), cell(default)]


def _value(parameter: Any, context: Any) -> str:
    """Return the form of an option's value, nothing for a flag."""
    if parameter.is_flag:
        return ""
    kind = parameter.metavar or parameter.display_type(context).strip("<>")
    limits = "".join(
        f" {sign} {limit:g}"
        for sign, limit in (("≥", parameter.min), ("≤", parameter.max))
        if limit is not None
    )
    return str(kind).removeprefix("list[").rstrip("]").removesuffix(" range") + limits


def _help(parameter: Any) -> tuple[str, str]:
    """Return the sentence of an option, and its default where the sentence names it."""
    text = _plain(parameter.help or "").strip()
    found = re.search(r"\s*\[default: (.*)\]$", text)
    return (text[: found.start()], found[1]) if found else (text, "")


def _plain(markup: str) -> str:
    from rich.text import Text

    return Text.from_markup(markup).plain


# ------------------------------------------------------------------------------------- the configuration


def configuration() -> str:
    """Return a section per group of the configuration, with a table of its keys."""
    parts = []
    for group in Config.model_fields:
        head = inspect.cleandoc(group_of(group).__doc__ or "")
        rows = [_key(key) for key, (of, _) in KEYS.items() if of == group]
        parts += [f"## {group}\n", f"{head}\n", table(["key", "value", "default", "meaning", "option"], rows)]
    return "\n".join(parts)


def _key(key: str) -> list[str]:
    field = KEYS[key][1]
    option = about(key, "option")
    return [
        code(key),
        _kind(field),
        _shown(key),
        cell(field.description or ""),
        code(option) if option else "",
    ]


def _shown(key: str) -> str:
    """Return the default of a key, or what stands for none."""
    default = KEYS[key][1].default
    return cell(about(key, "unset") or "none") if default is None else code(_toml(default))


def _toml(value: Any) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else repr(value)
    )


def _kind(field: Any) -> str:
    """Return the type of a key's value in words, with its limits."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return ", ".join(code(str(word)) for word in get_args(annotation))
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)]
    words = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text"}
    name = words.get(kinds[0] if get_origin(annotation) is not dict else dict, "table of texts")
    return ", ".join([name, *_limits(field.metadata)])


def _limits(metadata: list[Any]) -> Iterator[str]:
    for limit in metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if (bound := getattr(limit, name, None)) is not None:
                yield f"{sign} {bound:g}"


def official() -> str:
    """Return the table of the keys that `--recipe official` sets, beside those of `paper`."""
    from degen.config.settle import OFFICIAL

    rows = [
        [code(f"{group}.{key}"), code(_toml(value)), _shown(key)]
        for group, keys in OFFICIAL.items()
        for key, value in keys.items()
    ]
    return table(["key", "`official`", "`paper`"], rows)


def columns() -> str:
    """Return the table of the usual names of a log's columns, the preferred first."""
    from degen.data.reading.columns import USUAL_NAMES

    rows = [[role, ", ".join(map(code, names.split()))] for role, names in USUAL_NAMES.items()]
    return table(["column", "usual names"], rows)


# ------------------------------------------------------------------------------------------- the measures


def measures() -> str:
    """Return the tables of `degen analyze --list --markdown`."""
    from degen.analysis.listing import chosen_measures, chosen_profiles
    from degen.studies.measure_tables import page

    return page(chosen_measures(), chosen_profiles())


GENERATED: dict[str, Callable[[], str]] = {
    "columns": columns,
    "command-line": command_line,
    "configuration": configuration,
    "measures": measures,
    "official": official,
}
"""Functions by the name in the mark that they replace."""

"""Everything that the user may tell of the form of a log; what is None is found out from the file."""

from __future__ import annotations

from dataclasses import dataclass

from degen.data.reading.time_patterns import check_pattern
from degen.errors import UserError, one_of

FORMATS = ("inter", "sequences", "pairs", "movielens", "amazon-2014", "amazon-2018", "csv", "json", "parquet")
_ALIASES = {"recbole": "inter", "yelp": "json", "jsonl": "json", "tsv": "csv"}

SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|", "colons": "::", "space": None}
"""Names of separators; `space` is any white space."""

_TYPED_SEPARATORS = {"\\t": "\t", " ": None, "pipe": "|"}


@dataclass(frozen=True)
class Told:
    """The form of a log as the user tells it.

    Attributes
    ----------
    columns
        the column of `user`, of `item` and, optionally, of `time`, by name or by number from 0.
    input_format
        one of `FORMATS`, or an alias of one.
    header
        whether the first line of a table names its columns.
    separator
        a name in `SEPARATORS`, or the sign itself.
    time_format
        the pattern of dates, as in `datetime.strptime`.

    Raises
    ------
    UserError
        where the separator or the pattern cannot be.
    """

    columns: dict[str, str] | None = None
    input_format: str | None = None
    header: bool | None = None
    separator: str | None = None
    time_format: str | None = None

    def __post_init__(self) -> None:
        if self.input_format is not None:
            format_name(self.input_format)
        if self.time_format is not None:
            check_pattern(self.time_format)
        if self.separator is not None:
            self.sign()

    def sign(self) -> str | None:
        """Return the separator that was told as the sign that it is; None is any white space."""
        told = self.separator or ""
        known: dict[str, str | None] = {**SEPARATORS, **_TYPED_SEPARATORS}
        if told.lower() in known:
            return known[told.lower()]
        if not told or any(sign in told for sign in '"\n\r') or (len(told) > 3 and told.isalpha()):
            names = ", ".join(SEPARATORS)
            raise UserError(f"`separator` '{told}' is no separator; give one of {names}, or the sign itself")
        return told

    @property
    def form(self) -> str | None:
        """The name in `FORMATS` of the format that was told."""
        return None if self.input_format is None else format_name(self.input_format)


def format_name(text: str) -> str:
    """Return the name in `FORMATS` of an input format, which may be given by an alias and in any case."""
    name = one_of("input_format", text, [*FORMATS, *_ALIASES])
    return _ALIASES.get(name, name)

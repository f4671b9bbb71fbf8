"""Count what keeps the code easy to find one's way in, beside the limits that the tests hold it to.

    python experiments/house.py            the table
    python experiments/house.py --json     the same as JSON, with the places behind each number
    python experiments/house.py --places   the table, then the places behind each number

The figures are read from the source by `ast` and by lines, but for the modules that `plot-svd` visits
(`house_visits.py`). Lines are counted as by `wc -l` over all `.py` files of the package: comments, docstrings
and blank lines too.
"""

from __future__ import annotations

import argparse
import ast
import json
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import combinations
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "degen"

RUN = 6
"""Lines that two places share before they count as a pair."""

TOO_COMMON = 8
"""Places that one run of lines may stand in; more make it a custom, no copy."""

COMMON_LINE = 25
"""Files that may hold a line of one shape before the line says nothing about copying."""


@dataclass(frozen=True)
class Figure:
    """One number of the house, the most that it may be, and the places that it counts."""

    name: str
    value: int
    limit: int | None
    places: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """True if the number is within its limit."""
        return self.limit is None or self.value <= self.limit


# -------------------------------------------------------------------------------------------- files


def sources(package: Path = PACKAGE) -> list[Path]:
    """Return the `.py` files of the package, sorted."""
    return sorted(package.rglob("*.py"))


def lines_of_code(package: Path = PACKAGE) -> int:
    """Return the lines of all `.py` files, as `wc -l` counts them."""
    return sum(path.read_bytes().count(b"\n") for path in sources(package))


def code_without_words(package: Path = PACKAGE) -> int:
    """Return the lines that hold code: no blank line, no comment, no docstring or other bare string."""
    count = 0
    for path in sources(package):
        words = {
            number
            for node in _tree(path)
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        count += sum(
            1 for n, line in lines if n not in words and line.strip() and not line.strip().startswith("#")
        )
    return count


def largest_folders(package: Path = PACKAGE) -> list[tuple[int, str]]:
    """Return the modules at the top of each folder, `__init__.py` among them, with its name; most first."""
    found = Counter(path.parent.relative_to(package.parent).as_posix() for path in sources(package))
    return sorted(((count, folder) for folder, count in found.items()), reverse=True)


def repeated_names(package: Path = PACKAGE) -> dict[str, list[str]]:
    """Return each file name, `__init__.py` apart, that occurs in more than two folders, with the folders."""
    folders = defaultdict(list)
    for path in sources(package):
        folders[path.name].append(path.parent.relative_to(package.parent).as_posix())
    return {name: where for name, where in folders.items() if len(where) > 2 and name != "__init__.py"}


def long_modules(package: Path = PACKAGE, most: int = 300) -> list[str]:
    """Return the modules of more than `most` lines."""
    counts = {path: path.read_bytes().count(b"\n") for path in sources(package)}
    return [f"{_name(path, package)} ({count})" for path, count in counts.items() if count > most]


# -------------------------------------------------------------------------------------------- syntax


def long_functions(package: Path = PACKAGE, most: int = 60) -> list[str]:
    """Return the functions of more than `most` lines, from `def` to the last line, docstring included."""
    return [
        f"{_name(path, package)}:{node.lineno} {node.name} ({node.end_lineno - node.lineno + 1})"
        for path, node in _nodes(package)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > most
    ]


def riddling_docstrings(package: Path = PACKAGE) -> list[str]:
    """Return the modules whose docstring opens with What, Whether, How, Which or That."""
    found = []
    for path in sources(package):
        module = _tree(path)[0]
        docstring = ast.get_docstring(module) if isinstance(module, ast.Module) else None
        if re.match(r"(What|Whether|How|Which|That)\b", docstring or ""):
            found.append(f"{_name(path, package)}: {(docstring or '').splitlines()[0]}")
    return found


def errors_with_options(package: Path = PACKAGE) -> list[str]:
    """Return the errors raised outside `degen/cli` whose words name a command-line option.

    Read are the strings inside every `raise` and in the arguments of `one_of`.
    """
    found = []
    for path, node in _nodes(package):
        if path.is_relative_to(package / "cli"):
            continue
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Raise) or called == "one_of":
            texts = [
                part.value
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            if any(re.search(r"(?<![\w-])--[a-z]", text) for text in texts):
                found.append(f"{_name(path, package)}:{node.lineno}")
    return found


def _nodes(package: Path) -> Iterator[tuple[Path, ast.AST]]:
    for path in sources(package):
        for node in _tree(path):
            yield path, node


@cache
def _tree(path: Path) -> list[ast.AST]:
    """Return the nodes of a file, the module first; parsed once for all that count them."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _name(path: Path, package: Path) -> str:
    return path.relative_to(package.parent).as_posix()


# -------------------------------------------------------------------------------------------- repeated lines


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    shape: str
    """The line with every name as N, every string as S and every number as 0."""


_TOKEN = re.compile(r"""[rbf]*"(?:\\.|[^"\\])*"|[rbf]*'(?:\\.|[^'\\])*'|[^\W\d]\w*|\d[\w.]*|\S""")
_LONE = re.compile(r'[\W_]{1,3}|"""')


def shared_runs(package: Path = PACKAGE) -> list[str]:
    """Return the pairs of files, or of places in one file, that share runs of six or more lines.

    Lines count that are alike but for their names, strings and numbers. Imports, comments, blank lines and
    lone punctuation are passed over. A pair counts where a run is the same to the letter, or where a third
    of the shared lines say something. Such a line holds two names or values at least and is of a shape that
    is rare in the package. It is neither data (`"one", 1`) nor the declaration of one field
    (`source="…",`), which every measure has.
    """
    files = {_name(path, package): _lines(path) for path in sources(package)}
    common = Counter(shape for lines in files.values() for shape in {line.shape for line in lines})
    pairs = defaultdict(set)
    for places in _repeated(files).values():
        for (first, i), (second, j) in combinations(places, 2):
            pairs[first, second].add((i, j))
    found = []
    for (first, second), starts in pairs.items():
        runs = [run for run in _longest_runs(starts) if first != second or abs(run[1] - run[0]) >= RUN]
        shared = [(files[first][i + k], files[second][j + k]) for i, j, length in runs for k in range(length)]
        telling = [a for a, _ in shared if _says_something(a, common)]
        if runs and (_same_to_the_letter(shared) or 3 * len(telling) >= len(shared)):
            i, j, length = max(runs, key=lambda run: run[2])
            found.append(
                f"{first}:{files[first][i].number}-{files[first][i + length - 1].number}"
                f" ~ {second}:{files[second][j].number}-{files[second][j + length - 1].number}"
            )
    return sorted(found)


def _lines(path: Path) -> list[_Line]:
    found, importing = [], False
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = " ".join(raw.split())
        if importing or re.match(r"(import|from \S+ import)\b", text):
            importing = ")" not in text and (importing or text.endswith("("))
        elif text and not text.startswith("#") and not _LONE.fullmatch(text):
            found.append(_Line(number, text, " ".join(_kind(token) for token in _TOKEN.findall(text))))
    return found


def _kind(token: str) -> str:
    if keyword.iskeyword(token):
        return token
    if len(token) > 1 and token[-1] in "\"'":
        return "S"
    if token[0].isdigit():
        return "0"
    return "N" if token.isidentifier() else token


def _repeated(files: dict[str, list[_Line]]) -> dict[tuple[str, ...], list[tuple[str, int]]]:
    """Return the places of each run of shapes that stands in two to `TOO_COMMON` places."""
    found = defaultdict(list)
    for name, lines in files.items():
        for i in range(len(lines) - RUN + 1):
            run = tuple(line.shape for line in lines[i : i + RUN])
            found[run].append((name, i))
    return {run: places for run, places in found.items() if 1 < len(places) <= TOO_COMMON}


def _longest_runs(starts: set[tuple[int, int]]) -> list[tuple[int, int, int]]:
    runs = []
    for i, j in sorted(starts):
        if (i - 1, j - 1) not in starts:
            length = RUN
            while (i + length - RUN + 1, j + length - RUN + 1) in starts:
                length += 1
            runs.append((i, j, length))
    return runs


def _says_something(line: _Line, common: Counter[str]) -> bool:
    words = re.findall(r"\b[NS0]\b", line.shape)
    declares = re.fullmatch(r"N = (N|[^N]*) ,", line.shape)
    return len(words) > 1 and "N" in words and not declares and common[line.shape] <= COMMON_LINE


def _same_to_the_letter(shared: list[tuple[_Line, _Line]]) -> bool:
    same = 0
    for a, b in shared:
        same = same + 1 if a.text == b.text else 0
        if same >= RUN:
            return True
    return False


# -------------------------------------------------------------------------------------------- the table


def figures(package: Path = PACKAGE) -> list[Figure]:
    """Return every number of the house with its limit."""
    folders, own = largest_folders(package), package == PACKAGE

    def of(name: str, places: list[str], limit: int | None) -> Figure:
        return Figure(name, len(places), limit, places)

    return [
        Figure("lines of degen/, as `wc -l` counts them", lines_of_code(package), 51_875),
        Figure(
            "of these, code without docstrings, comments and blank lines", code_without_words(package), None
        ),
        Figure("modules at the top of any one folder", folders[0][0], 14, [f"{f} ({n})" for n, f in folders]),
        of("file names in more than two folders", [*repeated_names(package)], 0),
        of("modules over 300 lines", long_modules(package), 0),
        # `Monitor.record` and `draw_trajectories` are public: a third of each describes its arguments.
        of("functions over 60 lines", long_functions(package), 2),
        of("functions over 50 lines", long_functions(package, 50), None),
        of("docstrings that open with What, Whether, How, Which, That", riddling_docstrings(package), 0),
        *([of("modules visited from a path to the figure of `plot-svd`", _visited(), 21)] if own else []),
        of("errors outside cli/ that name command-line options", errors_with_options(package), 0),
        of("pairs of places that share six or more lines", shared_runs(package), 15),
    ]


def _visited() -> list[str]:
    from house_visits import modules_visited  # imports the package, with matplotlib

    return modules_visited()


def main() -> None:
    """Print the table, or its JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("package", nargs="?", type=Path, default=PACKAGE, help="another package than degen/")
    parser.add_argument("--json", action="store_true", help="print JSON, with the places of each number")
    parser.add_argument("--places", action="store_true", help="print the places of each number too")
    options = parser.parse_args()
    found = figures(options.package.resolve())
    if options.json:
        print(json.dumps([asdict(figure) | {"kept": figure.kept} for figure in found], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("", "today", "at most")
    for figure in found:
        value = f"{figure.value:,}" if figure.kept else f"[red]{figure.value:,}[/]"
        table.add_row(figure.name, value, "" if figure.limit is None else f"{figure.limit:,}")
    console = Console()
    console.print(table)
    for figure in found if options.places else []:
        console.print(f"\n[bold]{figure.name}[/]")
        console.print("\n".join(figure.places) or "none", highlight=False, markup=False)


if __name__ == "__main__":
    main()

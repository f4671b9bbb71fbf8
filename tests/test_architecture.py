"""Imports between rooms, libraries that light commands leave unimported, and limits of the house."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import house
import pytest

import degen

PACKAGE = Path(degen.__file__).parent

# Every room with the rooms that it may import, besides itself; a room stands after all that it imports.
ARROWS: dict[str, set[str]] = {
    "version": set(),
    "shown": set(),
    "errors": {"shown"},
    "variant_names": set(),
    "progress": set(),
    "modules": {"errors"},
    "files": {"errors"},
    "config": {"errors", "files"},
    "device": {"errors", "config"},
    "tables": {"shown", "errors", "files"},
    "data": {"version", "errors", "files", "progress"},
    "runs": {"version", "errors", "files", "variant_names", "config", "device"},
    "embeddings": {"shown", "errors", "files", "runs", "data"},
    "analysis": {"errors", "modules", "files", "progress"},
    "tensorboard": {"errors", "files", "runs", "embeddings", "analysis"},
    "monitor": {"version", "errors", "files", "runs", "analysis", "tensorboard"},
    "callbacks": {"errors", "monitor"},
    "plots": {"shown", "errors", "files", "tables", "variant_names", "analysis"},
    "model": {"errors", "modules", "files", "data"},
    "build": {"errors", "config", "data", "model"},
    "evaluation": {"errors", "files", "runs", "config", "data", "device", "analysis", "model", "build"},
}
ARROWS["training"] = set(ARROWS) - {"modules", "embeddings", "monitor", "callbacks", "plots", "tables"}
ARROWS["bars"] = {"shown", "progress", "config", "data", "runs", "training"}
ARROWS["studies"] = set(ARROWS) - {"callbacks"}
ARROWS["reports"] = set(ARROWS) - {"callbacks", "training", "bars"}
ARROWS["sweeps"] = set(ARROWS) - {"callbacks", "monitor", "reports", "studies"}
ARROWS["paper"] = set(ARROWS) - {"callbacks", "monitor", "reports"}
ARROWS["api"] = set(ARROWS) - {"callbacks", "monitor", "plots", "paper"}
ARROWS["cli"] = set(ARROWS)

# The same inside `degen/analysis`. Its `__init__.py` imports all of them, so that measures are registered.
ARROWS_OF_ANALYSIS: dict[str, set[str]] = {
    "values": set(),
    "titles": set(),
    "core": set(),
    "passes": set(),
    "registry": {"values", "passes"},
    "correlation": {"values", "passes"},
    "postprocess": {"passes"},
    "measures": {"values", "passes", "registry", "correlation"},
    "projections": {"passes", "measures"},
    "pairs": {"values", "passes", "registry", "measures"},
    "mechanism": {"passes", "correlation", "measures"},
    "listing": {"core", "passes", "registry"},
    "result": {"values", "passes", "registry", "listing"},
    "statistics": {"values", "passes", "registry", "result"},
}

WITHOUT_TORCH = {
    "version",
    "shown",
    "errors",
    "variant_names",
    "progress",
    "files",
    "config",
    "tables",
    "data",
    "runs",
    "embeddings",
    "analysis",
    "tensorboard",
    "monitor",
    "plots",
}
TORCH_AFTER_ALL = {
    "analysis/passes/engines.py": "the passes over a tensor, on its device",
    "runs/environment.py": "the version of PyTorch, for `environment.json`",
}
"""Modules of rooms without torch that import it, with the reason."""

WITH_MATPLOTLIB = {"plots", "studies", "reports", "sweeps", "paper", "cli", "api"}
HEAVY = {"torch", "pandas", "matplotlib", "scipy", "sklearn", "seaborn"}

SOURCES = [
    path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or not path.stem.startswith("__")
]


@cache
def tree(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each module that `path` imports, anywhere in it, and the names taken from it."""
    for node in tree(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} line {node.lineno}: write the whole name of a module"
            yield node.module or "", [alias.name for alias in node.names]


def rooms_imported(path: Path, package: str = "degen") -> set[str]:
    found = set()
    for module, names in imports(path):
        if f"{module}.".startswith(f"{package}."):
            inner = module.removeprefix(package).lstrip(".").split(".")[0]
            found |= {inner} if inner else set(names)
    return found


@pytest.mark.parametrize("arrows", [ARROWS, ARROWS_OF_ANALYSIS], ids=["degen", "analysis"])
def test_table_is_one_way(arrows):
    before: set[str] = set()
    for name, allowed in arrows.items():
        assert allowed <= before, f"{name} imports a room that stands after it"
        before.add(name)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    assert room(path) in ARROWS, (
        f"{room(path)} is a new room: give it a place in the table, and on the map in .github/CONTRIBUTING.md"
    )
    new = rooms_imported(path) - ARROWS[room(path)] - {room(path)}
    assert not new, f"{path} imports {', '.join(sorted(new))}, to which no arrow leads from {room(path)}"


ANALYSIS = [
    path
    for path in SOURCES
    if room(path) == "analysis" and path.parent.name + path.stem != "analysis__init__"
]


@pytest.mark.parametrize("path", ANALYSIS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_within_analysis_go_one_way(path):
    inner = path.relative_to(PACKAGE / "analysis").parts[0].removesuffix(".py")
    new = rooms_imported(path, "degen.analysis") - ARROWS_OF_ANALYSIS[inner] - {inner}
    assert not new, f"{path} imports {', '.join(sorted(new))}, to which no arrow leads from {inner}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_stay_in_their_rooms(path):
    libraries = {module.split(".")[0] for module, _ in imports(path)}
    if room(path) in WITHOUT_TORCH and path.relative_to(PACKAGE).as_posix() not in TORCH_AFTER_ALL:
        assert "torch" not in libraries
    if room(path) not in WITH_MATPLOTLIB:
        assert "matplotlib" not in libraries
    assert not libraries & {"pickle", "dill", "joblib", "shelve"}


@pytest.mark.parametrize("path", [p for p in SOURCES if room(p) == "plots"], ids=lambda path: path.name)
def test_plots_take_results_and_compute_none(path):
    for module, names in imports(path):
        if module.startswith("degen.analysis"):
            assert names
            assert all(name[0].isupper() for name in names), f"{path} computes with {names}"


PARSERS: dict[str, dict[str, str]] = {
    "json.load": {},
    "json.loads": {
        "cli/commands/sweep.py": "what pandas has just written",
    },
    "tomllib": {},
    "ast.literal_eval": {
        "data/reading/objects/json_objects.py": "Amazon's lines of Python literals, of limited length",
        "cli/wording.py": "degen's own messages",
    },
    "numpy.load": {"data/cache.py": "after its SHA-256 has been checked"},
    "numpy.lib.format.open_memmap": {},
    "numpy.loadtxt": {},
    "numpy.genfromtxt": {},
    "pandas.read_csv": {"sweeps/collect.py": "what it has just written"},
    "pickle": {},
    "torch.load": {},
    "safetensors.safe_open": {"model/weights.py": "the library's check, then our own reading"},
    "yaml": {},
}
"""Parsers that a file can break, with the modules that may call them besides `files/parse.py`, and why.

A new reader takes the functions of `files/parse.py`, and has their limits.
"""


def called(path: Path) -> set[str]:
    """Return the dotted names that a module calls or imports, aliases of modules spelt out."""
    aliases = {"np": "numpy", "pd": "pandas"}
    names = set()
    for node in tree(path):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            names.add(f"{aliases.get(first, first)}.{rest}")
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_parsed_in_one_place(path):
    where = path.relative_to(PACKAGE).as_posix()
    if where == "files/parse.py":
        return
    used = called(path)
    for parser, allowed in PARSERS.items():
        assert parser not in used or where in allowed, (
            f"{where} calls {parser}: take the function of degen/files/parse.py, which has limits"
        )


def imported_by(*command: str) -> set[str]:
    """Return the top-level modules that a fresh Python imports while it runs a command."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["train", "--help"], ["plot-svd", "--help"]]
)
def test_help_is_light(arguments):
    modules = imported_by("-m", "degen", *arguments)
    assert "degen" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize(
    "name", ["analysis", "embeddings", "runs.directory", "config.settle", "monitor", "studies.claims"]
)
def test_reading_and_measuring_is_light(name):
    modules = imported_by("-c", f"import degen.{name}")
    assert "degen" in modules
    assert not modules & HEAVY


EXPERIMENTS = sorted((Path(__file__).parents[1] / "experiments").rglob("*.py"))


@pytest.mark.parametrize(
    "path", [*SOURCES, *EXPERIMENTS], ids=lambda path: str(path.relative_to(PACKAGE.parent))
)
def test_docstrings_name_the_thing_first(path):
    opened = [
        f"{path}:{node.lineno}: {node.value.value.strip().splitlines()[0]}"
        for node in tree(path)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and re.match(r"\s*(What|Whether|How|Which|That|Who|Where|When|Why)\b", node.value.value)
    ]
    assert not opened, "\n".join(opened)


def test_the_house_keeps_its_limits():
    over = [f for f in house.figures(PACKAGE) if not f.kept]
    assert not over, "\n".join(f"{f.name}: {f.value}, at most {f.limit}\n  {f.places}" for f in over)

"""Import of a user's own modules, which register variants and measures, and calls of their functions."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from degen.errors import UserError, in_words

IMPORTED: list[str] = []
"""Modules that were imported by name in this process; workers of a study import them too."""


def import_modules(modules: Iterable[str]) -> None:
    """Import modules by name, of the current folder too. Their code runs.

    Raises
    ------
    UserError
        if one cannot be imported, for whatever reason; the message names the file and the line at fault.
    """
    if isinstance(modules, str):
        raise UserError(f"`modules` is a list of names; write `modules={[modules]!r}`")
    here = Path.cwd()
    for module in modules:
        _refuse_path(module)
        sys.path.insert(0, str(here))
        try:
            found = import_module(module)
        except Exception as error:  # anyone's code, which may raise anything
            raise UserError(f"`modules` names {module}: {_fault(module, error, here)}") from error
        finally:
            sys.path.remove(str(here))
        IMPORTED.extend([module] if module not in IMPORTED else [])
        file = getattr(found, "__file__", None)
        known = {str(here), ""} & set(sys.path)
        if file is not None and Path(file).is_relative_to(here) and not known:
            sys.path.append(str(here))  # child processes get this path, and find the module by it


def is_own(function: Callable[..., Any]) -> bool:
    """Return whether a function is the user's, not one of degen."""
    return not str(getattr(function, "__module__", "")).startswith("degen.")


@dataclass(frozen=True)
class Own:
    """A function of the user's: what it raises, and a wrong result, become a `UserError` of one sentence.

    `what` names the function, as in "the measure 'gap'"; `wanted` is what it must return, and `fits` tells
    from a result and the positional arguments whether it is that.
    """

    function: Callable[..., Any]
    what: str
    wanted: str
    fits: Callable[..., bool] = field(compare=False)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """Return the result of the function."""
        try:
            found = self.function(*arguments, **settings)
        except UserError:
            raise
        except Exception as error:  # anyone's code, which may raise anything
            code = getattr(self.function, "__code__", None)
            file = Path(code.co_filename) if code else Path.cwd() / "none"
            defined = f"{file.name}, line {code.co_firstlineno}: " if code else ""
            raise UserError(f"{self.what} failed: {_fault('', error, file.parent, defined)}") from error
        if not self.fits(found, *arguments):
            raise UserError(f"{self.what} returned {in_words(found)}; it must return {self.wanted}")
        return found


def _refuse_path(module: str) -> None:
    """Refuse what is no name of a module: a path, or the name of a file."""
    path = Path(module)
    is_file = path.suffix == ".py" and path.is_file()
    if not is_file and "/" not in module and "\\" not in module and module.strip("."):
        return
    where = "" if path.parent == Path() else f", from within {path.parent.as_posix()}"
    kind, name = "file" if is_file else "path", path.stem or "such as my_module"
    raise UserError(
        f"`modules` names {module or 'nothing'}, which is a {kind}; give the name of the module, "
        f"{name}{where}"
    )


def _fault(module: str, error: Exception, here: Path, defined: str = "") -> str:
    """Return what is wrong with a module, and the mend; `defined` is the place where no line is at fault."""
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if missing is not None and (module == missing or module.startswith(f"{missing}.")):
        return f"there is no module {missing} in this folder, and none is installed; see how it is spelt"
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{_short(error.filename, here)}, line {error.lineno}: {error.msg}; mend the file"
    place = _place(error, here) or defined
    if missing is not None:
        return f"{place}it imports {missing}, which is not installed; install it, or mend the import"
    said = f"{place}{type(error).__name__}: {error}"
    return said if "; " in str(error) else f"{said}; mend the file"  # degen's own errors have their mend


def _place(error: Exception, here: Path) -> str:
    """Return the last line of code of the user's, below `here` and not installed there; empty if none is."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        own = path.is_relative_to(here) and "site-packages" not in path.parts
        if own and not path.is_relative_to(Path(__file__).parent):
            return f"{_short(frame.filename, here)}, line {frame.lineno}: "
    return ""


def _short(file: str, here: Path) -> str:
    path = Path(file)
    return str(path.relative_to(here) if path.is_relative_to(here) else path)

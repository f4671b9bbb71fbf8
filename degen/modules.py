"""Import of a user's own modules, so that the variants and measures in them are registered."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from degen.errors import UserError

IMPORTED: list[str] = []
"""Modules that were imported by name in this process; workers of a study import them too."""


def import_modules(modules: Sequence[str]) -> None:
    """Import modules by name, of the current folder too. Their code runs.

    Raises
    ------
    UserError
        if one cannot be imported, for whatever reason.
    """
    here = str(Path.cwd())
    for module in modules:
        sys.path.insert(0, here)
        try:
            import_module(module)
        except Exception as error:  # anyone's code, which may raise anything
            raise UserError(f"`modules` names {module}: {_reason(error)}; {_mend(module)}") from error
        finally:
            sys.path.remove(here)
        IMPORTED.extend([module] if module not in IMPORTED else [])
    if modules and here not in sys.path:
        sys.path.append(here)  # child processes get this path, and find the modules by it


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"


def _mend(module: str) -> str:
    path = Path(module)
    if path.suffix == ".py" and path.is_file():
        return f"give the name of the module, {path.stem}, from within its folder"
    return "name one of this folder or an installed one, and see that it can be imported"

"""The `degen` command in this process, as a shell would see it."""

from __future__ import annotations

import json
import sys
from typing import Any
from unittest import mock

from typer.testing import CliRunner, Result

from degen.cli.app import app, main


def run(*words: object) -> Result:
    """Run a command that is expected to end well, or to exit by itself; anything it raises is raised."""
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def result_of(*words: object) -> Any:
    """What a command prints on stdout with --json, all of it."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def ended(capfd: Any, *words: object) -> tuple[Any, str, str]:
    """The exit code of a command, and what it prints on stdout and stderr."""
    capfd.readouterr()
    with mock.patch.object(sys, "argv", ["degen", *map(str, words)]):
        try:
            main()
        except SystemExit as end:
            code = end.code
        else:
            code = 0
    return code, *capfd.readouterr()


def mistake(capfd: Any, *words: object) -> str:
    """What is said of a mistake: exit code 2, one sentence on stderr, nothing on stdout."""
    code, out, err = ended(capfd, *words)
    assert code == 2, (code, out, err)
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("degen: ")
    assert "Traceback" not in err
    return lines[0].removeprefix("degen: ")

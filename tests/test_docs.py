"""The documentation: generated pages of reference are complete, and the site builds strictly."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import generated
import pytest
from typer.core import TyperOption
from typer.main import get_command

from degen.analysis.registry import MEASURES, PROFILES
from degen.cli.app import app
from degen.cli.wording import as_typed
from degen.config.facts import KEYS, OPTIONS

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not find_spec("material"), reason="the extra `docs` is not installed")
def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.relative_to(tmp_path / "site").as_posix() for path in tmp_path.glob("site/**/*.html")}
    assert "reference/command-line/index.html" in pages
    assert not list(tmp_path.glob("site/**/*.py"))
    loaded = re.findall(
        r'(?:src|href)="(https?://[^"]+\.(?:js|css|woff2?))"', (tmp_path / "site/index.html").read_text()
    )
    assert not loaded


def sections():
    """The text of the page of commands by command."""
    parts = re.split(r"^## (degen .*)$", generated.command_line(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


commands_page = pytest.mark.skipif(
    not hasattr(TyperOption, "display_type"), reason="the page of commands is made with typer 0.29 or later"
)


@commands_page
def test_every_command_and_every_option_is_on_the_page_of_commands():
    found = sections()
    commands = dict(generated.commands(get_command(app)))
    assert list(found) == list(commands)
    assert {"degen train", "degen data stats", "degen paper run"} <= set(found)
    for name, command in commands.items():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                for flag in (*parameter.opts, *parameter.secondary_opts):
                    assert f"`{flag}`" in found[name], (name, flag)


@commands_page
def test_the_page_of_commands_has_sentences_defaults_and_values():
    found = sections()
    assert (
        r"| `--lambda` `X` | λ of Eq. 15, the weight of the contrastive loss. | 0.1 |" in found["degen train"]
    )
    assert r"| `--core` `iterated\|once` |" in found["degen train"]
    assert "degen analyze runs/clothing\n" in found["degen analyze"]
    assert not re.search(r"\[(bold|dim|/)", "".join(found.values()))


def test_every_key_is_on_the_page_of_the_configuration():
    page = generated.configuration()
    for key, (group, _) in KEYS.items():
        section = re.search(rf"^## {group}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        [row] = [line for line in section[1].splitlines() if line.startswith(f"| `{key}` |")]
        assert row.endswith(f"| `{OPTIONS[key]}` |" if key in OPTIONS else "|  |")
    assert "| `dim` | whole number, ≥ 1 | `64` | Dimension d" in page
    assert "| `mask_fraction` | number, > 0, < 1 | `0.2` |" in page
    assert '| `core` | `iterated`, `once` | `"iterated"` |' in page
    assert "| `min_user` | whole number, ≥ 0 | the dataset's own, else 5 |" in page


def test_every_measure_is_on_the_page_of_measures():
    page = generated.measures()
    assert not [name for name in (*MEASURES, *PROFILES) if f"`{name}`" not in page]


def test_every_mark_of_a_page_has_its_function():
    marks = {
        mark
        for path in (ROOT / "docs").rglob("*.md")
        for mark in re.findall(r"<!-- generated: (.*?) -->", path.read_text(encoding="utf-8"))
    }
    assert marks == set(generated.GENERATED)


def said():
    """Everything that degen may say, as a terminal shows it: all strings of the package."""
    found = []
    for path in sorted((ROOT / "degen").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.append("".join(map(str, parts)))
    return "\n".join(as_typed(text).replace("`", "") for text in found)


def test_every_message_of_troubleshooting_is_one_that_degen_says():
    page = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r"^\| `([^`]+)` \|", page.partition("\n## Installation")[0], flags=re.MULTILINE)
    assert len(messages) > 40
    everything = said()
    missing = [
        (message, part)
        for message in messages
        for part in re.split(r"\s*…\s*", message)
        if len(part) > 3 and part not in everything
    ]
    assert not missing

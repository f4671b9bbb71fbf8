"""The README is held to: its Python runs, its commands exist, its promises of names and lengths hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import degen

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
_SHELL = "\n".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))
COMMANDS = sorted(set(re.findall(r"^degen (?:data |paper )?[a-z0-9-]+", _SHELL, re.MULTILINE)))


def test_nothing_is_left_to_be_filled_in() -> None:
    assert "PLACEHOLDER" not in README


def test_the_two_commands_of_a_fresh_machine_are_there() -> None:
    assert "pip install . && degen demo" in README
    assert 'pip install -e ".[test]" && pytest' in README


def test_the_python_blocks_run_one_after_another(tmp_path: Path) -> None:
    script = tmp_path / "readme.py"
    script.write_text("\n".join(PYTHON), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tour.png").stat().st_size > 10_000
    assert (tmp_path / "runs/tour/scl-s0/test.json").exists()
    assert (tmp_path / "runs/tour/mine-s0/test.json").exists()
    assert (tmp_path / "runs/synthetic/half-scl-s0/test.json").exists()


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(ROOT.glob("experiments/**/*.md"))], ids=lambda page: page.name
)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = set(
        re.findall(
            r"\b(?:degen|experiments|tests)/[\w/.-]+\.(?:py|sh|md|toml)\b", page.read_text(encoding="utf-8")
        )
    )
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_the_map_names_every_room_and_only_files_that_exist() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "degen").glob("*/__init__.py")}
    assert not [room for room in sorted(rooms) if not re.search(rf"\b{room}/", text)]
    named = set(re.findall(r"`([\w/.-]+(?:\.(?:py|md)|/))`", text))
    assert not [
        name for name in sorted(named) if not ((ROOT / name).exists() or (ROOT / "degen" / name).exists())
    ]


def test_adding_a_variant_takes_at_most_ten_lines() -> None:
    declaration = next(block for block in PYTHON if "recent_half" in block)
    assert len([line for line in declaration.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_has_help_with_an_example(command: str) -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"], capture_output=True, text=True, check=True
    )
    assert "Example" in help_text.stdout


def test_every_public_name_can_be_imported() -> None:
    for name in degen.__all__:
        assert getattr(degen, name) is not None

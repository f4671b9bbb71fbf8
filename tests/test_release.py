"""Releases: files that name the version agree, and `.ci/versions` says what it did not test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import degen

ROOT = Path(__file__).parents[1]


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_all_files_name_one_version_and_one_date():
    heading = re.search(r"^## (\S+) \((.+)\)$", _text("CHANGELOG.md"), re.MULTILINE)
    assert heading is not None
    version, date = heading.groups()
    if date == "unreleased":
        pytest.skip("the next version has no date yet")
    assert version == degen.__version__
    assert f"\nversion: {version}\ndate-released: {date}\n" in _text("CITATION.cff")
    assert f"version = {{{version}}}" in _text("README.md")


def test_the_changelog_has_each_kind_once_and_no_entry_outside_of_one():
    release = _text("CHANGELOG.md").split("\n## ")[1]
    kinds = ["Numbers that change", "Added", "Changed", "Deprecated", "Removed", "Fixed"]
    assert re.findall(r"^### (.+)$", release, re.MULTILINE) == kinds
    before, numbers, *others = re.split(r"^### .+$", release, flags=re.MULTILINE)
    assert "\n- " not in before
    entries = re.findall(r"^- .{13}", numbers, re.MULTILINE)
    assert entries
    assert all(entry.startswith("- **[numbers]**") for entry in entries)
    assert not any("[numbers]" in other for other in others)


def test_every_python_of_the_classifiers_is_tested_before_a_release():
    named = tomllib.loads(_text("pyproject.toml"))["project"]["classifiers"]
    versions = re.findall(r"Python :: (3\.\d+)", " ".join(named))
    assert f"wanted=({' '.join(versions)} lowest)" in _text(".ci/versions")


def _versions(tmp_path: Path, *arguments: str, uv: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script where the only `uv` is one that does as told."""
    (tmp_path / ".ci").mkdir(exist_ok=True)
    script = shutil.copy(ROOT / ".ci" / "versions", tmp_path / ".ci" / "versions")
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    for name, does in (("uv", uv), ("pyenv", "exit 1")):
        (tools / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", str(script), *arguments],
        env={**os.environ, "PATH": path, "TORCH_VERSION": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


# Makes environments whose Python passes as told, and notes how packages are asked for.
UV = """
echo "$@" >> asked
case "$1" in
  venv) for env; do :; done; mkdir -p "$env/bin"; cp ../python "$env/bin/python" ;;
  pip) ;;
esac
"""
PYTHON = """#!/bin/sh
[ "$1" = --version ] && { echo "Python 3.x"; exit 0; }
echo "==== %s in 3.1s ===="
exit %d
"""


@pytest.mark.parametrize(
    ("told", "status", "said"),
    [
        ("12 passed, 1 skipped", 0, "passed: 12 passed, 1 skipped in 3.1s; Python 3.x"),
        ("1 failed, 11 passed", 1, "failed: 1 failed, 11 passed in 3.1s; Python 3.x"),
    ],
)
def test_versions_reports_what_pytest_said(tmp_path, told, status, said):
    (tmp_path / "python").write_text(PYTHON % (told, status), encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    done = _versions(tmp_path, "3.11", "--lowest", uv=UV.replace("../python", str(tmp_path / "python")))
    assert done.returncode == status, done.stderr
    assert done.stdout.count(said) == 2
    asked = [line for line in (tmp_path / "asked").read_text().splitlines() if "install" in line]
    assert ["lowest-direct" in line for line in asked] == [False, True]


def test_an_installation_that_fails_is_a_failure_and_not_the_end(tmp_path):
    done = _versions(tmp_path, "3.11", "3.12", uv='[ "$1" != pip ]')
    assert done.returncode == 1
    assert done.stdout.count("failed: the installation") == 2


def test_a_python_that_is_not_there_is_said_and_is_no_success(tmp_path):
    done = _versions(tmp_path, "3.12", uv="exit 1")
    assert done.returncode == 1
    assert "3.12    not available: no Python 3.12" in done.stdout


def test_an_unknown_option_of_versions_is_refused(tmp_path):
    done = _versions(tmp_path, "--lowst", uv="exit 1")
    assert done.returncode == 2
    assert "unknown version or option --lowst" in done.stderr

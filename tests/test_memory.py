"""The guard of memory, on made-up systems and under a real limit of address space."""

from __future__ import annotations

import subprocess
import sys

import pytest

from degen.errors import UserError
from degen.files import memory
from degen.files.memory import available, check_fits, size

GIB = 1 << 30


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system of which nothing is known: folders in place of /proc and of the control groups."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    return tmp_path


def write(path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def meminfo(system, free: int, swap: int = 0) -> None:
    write(
        system / "proc/meminfo",
        f"MemTotal:  9 kB\nMemAvailable: {free // 1024} kB\nSwapFree: {swap // 1024} kB\nHugePages: 0\n",
    )


def test_nothing_is_refused_where_nothing_is_known(system):
    assert available() is None
    check_fits(1 << 60, "anything")


def test_what_the_system_can_give_with_its_swap_space(system):
    meminfo(system, 4 * GIB, GIB)
    assert available() == 5 * GIB
    check_fits(5 * GIB, "V")
    with pytest.raises(UserError, match=r"^V needs about 5\.4 GB of memory, and 5\.4 GB are available; free"):
        check_fits(5 * GIB + 1, "V")


@pytest.mark.parametrize("known", [0, 1])
def test_little_always_fits(system, known):
    meminfo(system, known)
    check_fits(memory.ALWAYS_FITS, "a little")


def test_the_mend_ends_the_sentence(system):
    meminfo(system, GIB)
    with pytest.raises(UserError, match=r"are available; give fewer rows$"):
        check_fits(2 * GIB, "V", "give fewer rows")


def test_the_narrowest_group_counts_and_its_cached_files_do_not(system):
    meminfo(system, 64 * GIB)
    write(system / "proc/self/cgroup", "0::/slurm/job_7/step\n")
    for place, most, used in [
        ("slurm", 32 * GIB, 20 * GIB),
        ("slurm/job_7", 8 * GIB, 5 * GIB),
        ("slurm/job_7/step", "max", 5 * GIB),
    ]:
        write(system / "groups" / place / "memory.max", f"{most}\n")
        write(system / "groups" / place / "memory.current", f"{used}\n")
        write(system / "groups" / place / "memory.stat", f"anon 7\ninactive_file {4 * GIB}\n")
    assert available() == 7 * GIB  # 8 less the 5 in use, of which 4 are cached files


def test_first_version_of_groups_in_a_container_whose_root_is_the_group(system):
    write(system / "proc/self/cgroup", "5:devices:/x\n4:memory:/docker/abc\n0::/\n")
    write(system / "groups/memory/memory.limit_in_bytes", f"{2 * GIB}\n")
    write(system / "groups/memory/memory.usage_in_bytes", f"{GIB}\n")
    write(system / "groups/memory/memory.stat", f"inactive_file 5\ntotal_inactive_file {GIB // 2}\n")
    assert available() == 3 * GIB // 2


def test_a_group_beyond_its_limit_leaves_nothing(system):
    write(system / "proc/self/cgroup", "0::/\n")
    write(system / "groups/memory.max", "5\n")
    write(system / "groups/memory.current", "9\n")
    assert available() == 0


@pytest.mark.parametrize("text", ["", "MemAvailable: much kB\n", "\0\xff", "::::\n0\n"])
def test_strange_files_of_the_system_tell_nothing(system, text):
    for path in ("proc/meminfo", "proc/self/cgroup", "groups/memory.max"):
        write(system / path, text)
    assert available() is None


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's here")
def test_a_limit_of_address_space_counts():
    script = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from degen.files.memory import available, check_fits
print((2 << 30) < available() < (3 << 30))
check_fits(4 << 30, "V")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n"
    assert "UserError: V needs about 4.3 GB of memory, and" in done.stderr


def test_sizes_in_words():
    assert [size(n) for n in (0, 999, 1000, 9_949_999, 10**7, 7_200_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "9.9 MB",
        "10 MB",
        "7.2 GB",
    ]

"""Work that is killed at a moment drawn at random, looked at, and taken up again until it has ended."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import scenes
import whole
from scenes import SCENES, Scene

_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.rmdir", "os.scandir", "os.chmod")
MOST = 3600
"""Seconds of the clock that one start may take; it takes about one, and minutes on a loaded machine."""


@dataclass
class Reference:
    """A scene that nobody killed: its result, its seconds, and its events on files."""

    result: dict[str, str]
    seconds: float
    events: int


@dataclass
class Tally:
    """Kills of a scene, and what was wrong after them."""

    kills: int = 0
    ended_before: int = 0
    faults: list[str] = field(default_factory=list)


def counted(
    work: Callable[[], None], folder: Path, stop: int | None, tell: Path | None = None
) -> Callable[[], None]:
    """Return work that kills its process at the file event number `stop`, or writes how many there were."""

    def run() -> None:
        seen = 0

        def hear(event: str, arguments: Any) -> None:
            nonlocal seen
            if event in _EVENTS and not str(arguments[0]).endswith((".py", ".pyc")):
                seen += 1
                if seen == stop:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hear)
        try:
            work()
        finally:
            if tell is not None:
                tell.write_text(str(seen))

    return run


def wait(child: int, until: float) -> int | None:
    """Wait for a child until a moment, and return its exit code; None where it still runs."""
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def reference(scene: Scene, place: Path, finished: Path | None) -> Reference:
    """Do the work of a scene without a kill, twice, and check that both results are the same.

    All work of a scene is done in the same folder, since its path stands in the results.
    """
    results, seconds, events = [], 0.0, 0
    for _ in range(2):
        scenes.prepare(scene, place, finished)
        started = time.monotonic()
        code, said = _start(scene, place, again=False, tell=place / "events.txt")
        seconds = time.monotonic() - started
        assert code == 0, said
        results.append(whole.digest(place / scene.out))
        events = int((place / "events.txt").read_text()) if not scene.own else 0
    assert results[0] == results[1], f"two runs differ in {whole.difference(*results)}"
    return Reference(results[0], seconds, events)


def _start(
    scene: Scene,
    place: Path,
    *,
    again: bool,
    stop: int | None = None,
    at: float | None = None,
    tell: Path | None = None,
) -> tuple[int | None, str]:
    """Start a scene; kill it at an event or after seconds; return its exit code and what it said."""
    said = place / "said.txt"
    until = time.monotonic() + (MOST if at is None else at)
    if scene.own:
        environment = {**os.environ, "DEGEN_CACHE": str(place / "cache")}
        with said.open("w") as stream:
            process = subprocess.Popen(
                scenes.command(scene, again=again),
                cwd=place,
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = process.pid
    else:
        child = scenes.in_child(place, counted(lambda: scene.begin(again=again), place, stop, tell), said)
    code = wait(child, until)
    if code is None:
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:  # it has no group of its own yet
            os.kill(child, signal.SIGKILL)
        code = wait(child, time.monotonic() + MOST)
    return code, said.read_text(errors="replace")


def kill_and_go_on(
    name: str, number: str, known: Reference, place: Path, finished: Path | None, tally: Tally
) -> None:
    """Kill a scene at a random moment, up to three times in a row, then let it end, and compare."""
    scene, rng = SCENES[name], random.Random(f"{name} {number}")
    scenes.prepare(scene, place, finished)
    again = False
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        by_clock = scene.own or rng.random() < 0.4
        moment = {"at": rng.random() * known.seconds} if by_clock else {"stop": rng.randint(1, known.events)}
        code, said = _start(scene, place, again=again, **moment)
        again = True
        if code == 0:
            tally.ended_before += 1
            break
        if code != -signal.SIGKILL:
            tally.faults.append(f"{number}: ended with {code}: {said[-300:]}")
            return
        tally.kills += 1
        if half := whole.broken(place / scene.out):
            tally.faults.append(f"{number}: half written after a kill: {half}")
    code, said = _start(scene, place, again=True)
    if code != 0:
        tally.faults.append(f"{number}: does not go on, exit code {code}: {said[-300:]}")
    elif other := whole.difference(known.result, whole.digest(place / scene.out)):
        tally.faults.append(f"{number}: the result differs in {other}")
    elif scene.resume and (left := whole.leftovers(place / scene.out)):
        tally.faults.append(f"{number}: temporary files are left: {left}")
    if any(fault.startswith(f"{number}:") for fault in tally.faults):
        shutil.copytree(place, place.with_name(number), dirs_exist_ok=True)

"""The bench's side of the turns: processes that compute one at a time, one window each, round after round.

    interleave([ours, theirs, …])     round 1: ours, theirs, …; round 2: theirs, …, ours; and so on

so that whatever slows the machine down for a while slows all of them down, and the ratio of two windows of
one round is fair. A participant that fails is out, with its reason; the others go on.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Answer = dict[str, Any]
Order = dict[str, Any]


class Failure(Exception):
    """A participant cannot go on; its text is the reason that is reported."""


class Participant(Protocol):
    """Participants that take turns."""

    name: str

    def start(self) -> dict[str, Any]:
        """Prepare, and say what it is; raises `Failure`."""

    def turn(self, order: Order) -> Answer:
        """Take one turn; raises `Failure`."""

    def stop(self) -> None:
        """Go away, whatever state it is in."""


@dataclass
class Worker:
    """A process that speaks `workers/turns.py`'s protocol.

    Attributes
    ----------
    name, command
        what it is called in results, and how it is started.
    environment
        variables besides the bench's own.
    patience
        most seconds that it may take to be ready, or for a turn.
    folder
        where it runs, for those that leave files behind; the bench's own by default.
    """

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str] = field(default_factory=dict)
    patience: float = 300.0
    folder: Path | None = None

    def start(self) -> dict[str, Any]:
        """Start the process and wait until it is ready."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in `stop`
        self._process = subprocess.Popen(
            [str(part) for part in self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            cwd=self.folder,
            env=os.environ | self.environment,
        )
        facts: dict[str, Any] = self._read()["ready"]
        return facts

    def turn(self, order: Order) -> Answer:
        """Hand over the turn and wait for the answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            raise Failure(self._last_words()) from None
        return self._read()

    def stop(self) -> None:
        """End the process; a worker does so by itself when its stdin ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def _read(self) -> Answer:
        stdout = self._process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], self.patience)[0]:
            self._process.kill()
            raise Failure(f"no answer within {self.patience:g} seconds")
        line = stdout.readline()
        if not line:
            raise Failure(self._last_words())
        answer: Answer = json.loads(line)
        return answer

    def _last_words(self) -> str:
        code = self._process.wait(timeout=10)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return f"ended with exit code {code}: {last}"


@dataclass
class Outcome:
    """Result of a participant: facts it gave, its windows in order of rounds, or why it failed."""

    facts: dict[str, Any] = field(default_factory=dict)
    windows: list[Answer] = field(default_factory=list)
    failure: str | None = None


def interleave(
    participants: Sequence[Participant],
    order: Order,
    rounds: int,
    *,
    warm_up: Order | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Outcome]:
    """Let all take `rounds` turns, one at a time, the first of a round being the last of the next.

    All are started before the first turn, and each takes a turn of `warm_up` that is not counted.
    """
    outcomes = {participant.name: Outcome() for participant in participants}
    started: list[Participant] = []

    def attempt(participant: Participant, what: str, act: Callable[[Outcome], None]) -> None:
        outcome = outcomes[participant.name]
        if outcome.failure is None:
            note(f"{participant.name}: {what}")
            try:
                act(outcome)
            except Failure as failure:
                outcome.failure = str(failure)
                note(f"{participant.name} failed: {failure}")

    def start(participant: Participant, outcome: Outcome) -> None:
        started.append(participant)
        outcome.facts = participant.start()
        if warm_up is not None:
            participant.turn(warm_up)

    try:
        for each in participants:
            attempt(each, "starting", lambda outcome, each=each: start(each, outcome))  # type: ignore[misc]
        for number in range(rounds):
            first = number % max(len(participants), 1)
            for each in [*participants[first:], *participants[:first]]:
                attempt(
                    each,
                    f"window {number + 1} of {rounds}",
                    lambda outcome, each=each: outcome.windows.append(each.turn(order)),  # type: ignore[misc]
                )
    finally:
        for each in started:
            each.stop()
    return outcomes

"""Read thousands of mutated inputs of every kind, and print a table of how that ended.

    python tests/fuzz/run.py --inputs 20000 [--seed 0] [--kind log] [--workers 2] [--out FOLDER]

All is imported once. Each worker forks a child for every few inputs, so that a crash loses one input, is
counted, and leaves no trace in the next. Failures are written to FOLDER, each with the command in
`command.txt` and what was said in `said.txt`. The exit code is 1 where there are any.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "fuzz"), str(TESTS), str(TESTS / "embeddings"), str(TESTS.parent)]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import corpus  # noqa: E402
import kinds  # noqa: E402
import watch  # noqa: E402

A_CHILD = 100
"""Inputs that a child reads before another takes its place."""

SILENCE = 3600
"""Seconds of the clock after which a child that says nothing counts as hanging."""


IMPORTED = (
    "degen.cli.app",
    "degen.api.training_runs",
    "degen.training.plan",
    "degen.studies.analyze",
    "degen.studies.svd",
    "degen.reports.html",
    "degen.studies.compare",
    "degen.sweeps.run",
    "degen.sweeps.collect",
    "sklearn.manifold",
    "degen.evaluation.restore",
    "degen.evaluation.export",
    "matplotlib.pyplot",
    "seaborn",
    "pandas",
    "scipy.stats",
    "pyarrow.parquet",
    "torch._dynamo",
    "rich.progress",
    "typer.rich_utils",
    "degen.studies.over_epochs.dynamics",
    "degen.studies.mechanism",
    "jinja2",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_agg",
)
"""Modules that commands import when they are called."""


def warm_up() -> None:
    """Import what commands import when they are called, so that children share it."""
    import importlib

    for name in IMPORTED:
        with suppress(ImportError):
            importlib.import_module(name)
    importlib.import_module("degen.cli.wording").as_typed("`out`")
    watch.command()


LONG = ("train", "evaluate", "export", "report", "compare", "dynamics", "mechanism", "uniformity")
"""Commands that take seconds, and prepare nothing that others do not."""


def use_once(samples: Path, scratch: Path) -> None:
    """Read some samples as they are, so that what a first use prepares is there for all children.

    Of the commands that draw, each for seconds, one serves: what drawing prepares is the same for all.
    """
    canary = watch.Canary()
    for kind, sample in (("log", "log.csv"), ("matrix", "m.npy"), ("run", "runs"), ("config", "config")):
        folder = scratch / f"use-{kind}"
        seen = {*LONG, *(["plot-svd"] if kind == "run" else [])}
        for one in kinds.as_it_is(kind, samples / kind / sample, folder):
            if one.words[0] not in seen:
                seen.add(one.words[0])
                watch.run_case(folder, one.words, canary)


def read_some(
    inputs: Sequence[tuple[str, str]], samples: Path, scratch: Path, failures: Path, told: int
) -> None:
    """Read inputs one after another, and write a line of JSON for each to the pipe `told`; in a child."""
    watch.limit_memory()
    canary = watch.Canary()
    for kind, seed in inputs:
        folder = scratch / f"{kind}-{seed}"
        started = time.monotonic()
        one = kinds.case(kind, seed, samples, folder)
        outcome = watch.run_case(folder, one.words, canary)
        if outcome.verdict not in watch.PASSED:
            keep(failures, kind, seed, samples, one.words, outcome)
        shutil.rmtree(folder, ignore_errors=True)
        row = {"kind": kind, "seed": seed, "words": one.words, "seconds": time.monotonic() - started}
        line = json.dumps({**row, **vars(outcome)}, default=str) + "\n"
        os.write(told, line.encode("utf-8", "backslashreplace"))


def keep(
    failures: Path, kind: str, seed: str, samples: Path, words: list[str], outcome: watch.Outcome
) -> None:
    """Write an input that failed, as it was before it was read, with its command."""
    place = failures / f"{kind}-{seed}"
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    kinds.case(kind, seed, samples, place)
    (place / "command.txt").write_text(json.dumps(words), encoding="utf-8")
    said = f"{outcome.verdict}\n{outcome.said}\n"
    (place / "said.txt").write_text(said, encoding="utf-8", errors="backslashreplace")


def work(inputs: Sequence[tuple[str, str]], samples: Path, failures: Path, tell: Any) -> None:
    """Read inputs in children, and tell of each; in a process of its own."""
    left = list(inputs)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        while left:
            batch = left[:A_CHILD]
            for row in _child(batch, samples, Path(scratch), failures):
                tell(row)
                left.pop(0)


def _child(
    batch: Sequence[tuple[str, str]], samples: Path, scratch: Path, failures: Path
) -> Iterator[dict[str, Any]]:
    """Fork a child for some inputs, and yield a row for each that it has read, or that was its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            read_some(batch, samples, scratch, failures, writing)
            code = 0
        except BaseException:
            __import__("traceback").print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    done = 0
    with os.fdopen(reading, "rb") as lines:
        before = signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
        signal.alarm(SILENCE)
        for line in lines:
            signal.alarm(SILENCE)
            done += 1
            yield json.loads(line)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if done < len(batch) and code != 0:
        kind, seed = batch[done]
        verdict = watch.HANG if code == -signal.SIGKILL else watch.TRACEBACK
        outcome = watch.Outcome(verdict, f"the process ended with {code}")
        folder = scratch / f"{kind}-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        words = kinds.case(kind, seed, samples, folder).words
        shutil.rmtree(folder, ignore_errors=True)
        keep(failures, kind, seed, samples, words, outcome)
        yield {"kind": kind, "seed": seed, "words": words, "seconds": 0.0, **vars(outcome)}


def inputs_of(total: int, seed: int, only: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return kinds and seeds of `total` inputs, by the kinds' weights, mixed."""
    chosen = {name: kind.weight for name, kind in kinds.KINDS.items() if not only or name in only}
    whole = sum(chosen.values())
    rows = [
        (name, f"{seed}-{n}") for name, w in chosen.items() for n in range(max(1, round(total * w / whole)))
    ]
    __import__("random").Random(seed).shuffle(rows)
    return rows


def make_corpus(folder: Path) -> Path:
    """Write the corpus with what degen itself writes beside its logs: a cache, a prepared log."""
    made = corpus.write_corpus(folder / "corpus")
    canary = watch.Canary()
    for kind, words in {
        "cache": ["data", "stats", "toy.txt"],
        "prepared": ["data", "prepare", "toy.txt", "--out", "out", "--min-user", "2", "--min-item", "1"],
    }.items():
        place = made / kind / "toy"
        place.mkdir(parents=True)
        shutil.copy(made / "run" / "runs" / "toy.txt", place)
        outcome = watch.run_case(place, words, canary)
        assert outcome.verdict == watch.OK, outcome
    return made


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table of verdicts by kind."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    slowest: dict[str, float] = defaultdict(float)
    largest: dict[str, int] = defaultdict(int)
    for row in rows:
        for name in (row["kind"], "all"):
            counts[name][row["verdict"]] += 1
            slowest[name] = max(slowest[name], row["seconds"])
            largest[name] = max(largest[name], row["peak"])
    verdicts = [
        watch.OK,
        watch.REFUSED,
        watch.TRACEBACK,
        watch.HANG,
        watch.MEMORY_OUT,
        watch.UNSAFE,
        watch.BADLY_SAID,
    ]
    lines = [["kind", "inputs", *verdicts, "slowest, s", "most memory, MB"]]
    for name in [*sorted(set(counts) - {"all"}), "all"]:
        numbers = [sum(counts[name].values()), *(counts[name][verdict] for verdict in verdicts)]
        lines.append([name, *map(str, numbers), f"{slowest[name]:.1f}", f"{largest[name] / 1e6:.0f}"])
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in lines
    )


def fuzz(
    inputs: Sequence[tuple[str, str]], samples: Path, failures: Path, workers: int = 1
) -> list[dict[str, Any]]:
    """Read the inputs, and return a row for each."""
    context = get_context("fork")
    queue: Any = context.SimpleQueue()
    started = [
        context.Process(target=work, args=(inputs[n::workers], samples, failures, queue.put))
        for n in range(workers)
    ]
    for process in started:
        process.start()
    rows: list[dict[str, Any]] = []
    last = time.monotonic()
    failures.mkdir(parents=True, exist_ok=True)
    while len(rows) < len(inputs):
        rows.append(queue.get())
        with (failures / "rows.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        if time.monotonic() - last > 60:
            last = time.monotonic()
            bad = sum(row["verdict"] not in watch.PASSED for row in rows)
            print(f"{len(rows):,} of {len(inputs):,} inputs, {bad} failed", file=sys.stderr, flush=True)
    for process in started:
        process.join()
    return rows


def main() -> None:
    """Read inputs as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000, help="number of mutated files (20,000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations (0)")
    parser.add_argument(
        "--kind", action="append", choices=list(kinds.KINDS), default=[], help="only this kind"
    )
    parser.add_argument("--workers", type=int, default=1, help="number of processes (1)")
    parser.add_argument("--table", type=Path, help="print the table of a run's `rows.jsonl`, and stop")
    parser.add_argument(
        "--out", type=Path, help="folder for the inputs that fail; by default a temporary one"
    )
    options = parser.parse_args()
    if options.table:
        print(table([json.loads(line) for line in options.table.read_text(encoding="utf-8").splitlines()]))
        return
    failures = options.out or Path(tempfile.mkdtemp(prefix="fuzz-failures-"))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-corpus-") as scratch:
        samples = make_corpus(Path(scratch))
        warm_up()
        use_once(samples, Path(scratch))
        gc.freeze()  # a child's collector would visit, and so copy, all that was imported
        rows = fuzz(inputs_of(options.inputs, options.seed, options.kind), samples, failures, options.workers)
    print(table(rows))
    print(f"{len(rows):,} inputs in {time.monotonic() - started:,.0f} s, seed {options.seed}")
    failed = [row for row in rows if row["verdict"] not in watch.PASSED]
    groups = Counter(
        (row["kind"], row["verdict"], str(row["said"]).strip().splitlines()[-1][:160]) for row in failed
    )
    for (kind, verdict, said), count in groups.most_common(60):
        print(f"{count:5d}  {kind}: {verdict}: {said}")
    if failed:
        print(f"inputs that failed are in {failures}")
        sys.exit(1)


if __name__ == "__main__":
    main()

"""Workers as an array of Slurm jobs; Slurm starts them, and this process does not wait."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from degen.errors import UserError
from degen.files.writing import write_text
from degen.sweeps.engines.local import worker_command

SCRIPT, JOB = "slurm.sh", "slurm.job"
"""Files of a study: the batch script, and the number of the job that was submitted last."""

BEFORE_THE_LIMIT = 180
"""Seconds before the time limit at which a job is told to finish its epoch."""

_TEMPLATE = """\
#!/bin/bash
#SBATCH --job-name=degen-{name}
#SBATCH --array=1-{workers}
#SBATCH --cpus-per-task={threads}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@{seconds}
#SBATCH --output={out}/slurm-%A_%a.log
{more}
export OMP_NUM_THREADS={threads}
{worker} &
worker=$!
# Before the time limit the worker finishes its epoch and drops its claim; then the job starts anew.
trap 'kill -USR1 "$worker"; wait "$worker"; scontrol requeue "$SLURM_JOB_ID"; exit 0' USR1
wait "$worker"
"""


def jobs(workers: int | None) -> int:
    """Return the number of jobs, which nothing but the user can know.

    Raises
    ------
    UserError
        if it is not given.
    """
    if workers is None:
        raise UserError("`engine='slurm'` needs the number of jobs; add, for instance, `workers=8`")
    return workers


def script(out: Path, workers: int, threads: int, options: str | None = None) -> str:
    """Return the batch script of an array of workers.

    Parameters
    ----------
    options
        more options of sbatch, such as `--time=24:00:00 --partition=gpu --gres=gpu:1`.
    """
    more = "".join(f"#SBATCH {option}\n" for option in shlex.split(options or ""))
    return _TEMPLATE.format(
        name=out.name,
        workers=workers,
        threads=threads,
        seconds=BEFORE_THE_LIMIT,
        out=shlex.quote(str(out.absolute())),
        worker=shlex.join(worker_command(out, threads)),
        more=more,
    )


def submit(out: Path, text: str) -> str:
    """Write the script into the study and submit it; return what sbatch says.

    Raises
    ------
    UserError
        if there is no sbatch here, it refuses the script, or the study's last job has not ended.
    """
    require_sbatch()
    if job := unfinished_job(out):
        raise UserError(
            f"job {job} trains {out} and has not ended; wait for it, or end it with scancel {job} first"
        )
    write_text(out / SCRIPT, text)
    done = subprocess.run(["sbatch", str(out / SCRIPT)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(f"sbatch refused {out / SCRIPT}: {said}; change its options with `sbatch`")
    said = done.stdout.strip()
    if number := re.search(r"\d+", said):
        write_text(out / JOB, number.group())
        said += f"; its number is in {out / JOB}"
    return said


def unfinished_job(out: Path) -> str:
    """Return the number of a study's last job where Slurm says that it waits or runs; empty for none."""
    try:
        job = (out / JOB).read_text(encoding="utf-8").strip()
        asked = ["squeue", "--noheader", "--jobs", job]
        queued = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    # squeue fails for a job that it has forgotten.
    return job if queued.returncode == 0 and queued.stdout.strip() else ""


def require_sbatch() -> None:
    """Raise where this machine cannot submit jobs."""
    if shutil.which("sbatch") is None:
        raise UserError(
            "`engine='slurm'` needs sbatch, which is not on the PATH; use a login node of the cluster, or "
            "look at the script with `print_script=True`"
        )

"""Mistakes as people type them: each is answered in one sentence with the mend, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import mistake
from run_files import write_run

from degen.files.writing import refuse_file

LOG = "session,product,ts\n" + "".join(
    f"{user},{item},{place}\n" for user in "abcde" for place, item in enumerate("wxyz")
)

MISTAKES = [
    # Commands
    ("svd jan.npy", "no such command 'svd'; did you mean `degen plot-svd`?"),
    ("plot_svd jan.npy", "no such command 'plot_svd'; did you mean `degen plot-svd`?"),
    ("plot jan.npy", "no such command 'plot'; did you mean `degen plot-svd`?"),
    ("analyse jan.npy", "no such command 'analyse'; did you mean `degen analyze`?"),
    ("trian", "no such command 'trian'; did you mean `degen train`?"),
    ("data stat beauty", "no such command 'stat'; did you mean `degen data stats`?"),
    ("paper tabel2", "no such command 'tabel2'; did you mean `degen paper run table2`?"),
    ("paper run table9", "the paper has no target 'table9'; did you mean 'table2'?"),
    ("xyz", "no such command 'xyz'; `degen --help` lists them"),
    ("jan.npy", "a command comes before paths; `degen analyze jan.npy` measures a matrix or runs"),
    ("degen plot", "degen is named twice; leave out the second"),
    ("version", "no such command 'version'; did you mean `degen --version`?"),
    ("train --version", "there is no option --version here; `degen --version` prints the version"),
    ("help train", "help is an option; write `degen --help`, or `degen train --help` for one command"),
    ("help", "help is an option; write `degen --help`, or `degen analyze --help` for one command"),
    ("train help", "help is an option; write `degen train --help`"),
    ("--hlep", "degen has no option --hlep; did you mean --help?"),
    ("train --hlep", "train has no option --hlep; did you mean --help?"),
    # Options
    ("train --lr 0.01", "train has no option --lr; did you mean --learning-rate?"),
    ("train --learning_rate 0.1", "train has no option --learning_rate; did you mean --learning-rate?"),
    ("train --epoch 5", "train has no option --epoch; did you mean --epochs?"),
    ("train --batchsize 64", "train has no option --batchsize; did you mean --batch-size?"),
    ("train --batch 64", "train has no option --batch; did you mean --batch-size?"),
    ("train --model sasrec", "train has no option --model; did you mean --variant?"),
    ("train --lam 0.1", "train has no option --lam; did you mean --lambda?"),
    ("train --gpu", "train has no option --gpu; did you mean --device?"),
    ("train --output x", "train has no option --output; did you mean --out?"),
    ("compare a b --metrics rankme", "compare has no option --metrics; did you mean --measures?"),
    ("demo --lambda 1", "demo has no option --lambda; `degen demo --help` lists them"),
    ("train --json=true", "--json is a flag and takes no value; write --json alone"),
    ("train --json true", "flags such as --json take no value; leave out 'true'"),
    # Words without an option
    ("train sasrec", "'sasrec' has no option before it; write `degen train --variant sasrec`"),
    ("train log.csv", "'log.csv' has no option before it; write `degen train --dataset log.csv`"),
    ("train beauty", "'beauty' has no option before it; write `degen train --dataset beauty`"),
    ("data info", "no such command 'info'; did you mean `degen data stats`?"),
    ("data download", "no such command 'download'; did you mean `degen data fetch`?"),
    ("data list beauty", "`degen data list` takes no 'beauty'; `degen data list --help` shows what it takes"),
    ("compare", "`degen compare` needs PATH… ("),
    (
        "evaluate",
        "`degen evaluate` needs RUN (run directory), for example `degen evaluate runs/clothing/scl-s0",
    ),
    # Values
    ("train --seed 0-2", "--seed takes one whole number, not '0-2'; several seeds are given by --seeds 0-2"),
    ("train --seed 0,1", "--seed takes one whole number, not '0,1'; several seeds are given by --seeds 0,1"),
    ("train --lambda=abc", "--lambda takes one number, not 'abc'"),
    (
        "train --lambda 0,.1",
        "--lambda takes one number, not '0,.1'; `degen sweep --lambda 0,.1` trains a run per",
    ),
    ("train --epochs ten", "--epochs takes one whole number, not 'ten'"),
    ("train --epochs 1e2", "--epochs takes one whole number, not '1e2'"),
    ("train --seed --resume", "--seed takes a whole number, and '--resume' follows it; write the number"),
    ("train --lambda", "--lambda needs a value after it"),
    ("train --epochs 0", "(--epochs) should be greater than or equal to 1; got 0"),
    ("train --dropout 1.5", "--dropout should be less than 1; got 1.5"),
    (
        "train --device gpu",
        "(--device) should be as in: auto (CUDA if available), cpu, cuda or cuda:N; got 'gpu'",
    ),
    ("train --seeds 3-1", "--seeds 3-1: the range 3-1 goes down; write 1-3"),
    ("train --recipe offical", "did you mean 'official'?"),
    (
        "train --variant sasrec duorec --dataset log.csv",
        "values are separated by commas alone; write --variant sasrec,duorec",
    ),
    ("train -v sasrec, duorec", "values are separated by commas alone; write -v sasrec,duorec"),
    ("train --variant duo", "unknown variant 'duo'; did you mean 'duorec'?"),
    ("train --variant nosuch", "unknown variant 'nosuch'; known: adversarial, all, baselines, "),
    ("train --set epochs=5", "write it as group.key=value"),
    ("train --set training.lr=0.01", "unknown key training.lr; did you mean 'learning_rate'?"),
    ("train --set model.embedding_dim=8", "unknown key model.embedding_dim; did you mean 'dim'?"),
    ("sweep --set training.lr=0.1,0.2 --out x", "unknown key training.lr; did you mean 'learning_rate'?"),
    ("train --set training.epoch=5", "unknown key training.epoch; did you mean 'epochs'?"),
    ("train -v scl --workers 0", "--workers 0: it must be 1 or more"),
    (
        "sweep --workers 99 --out x",
        "--workers 99 is more than the 2 cores of this machine; give --workers 2 or",
    ),
    ("paper run table2 --budget soon", "--budget 'soon' is no length of time; write it as 20h, 90m or 1h30m"),
    ("analyze jan.npy --measures average_cosin", "did you mean 'average_cosine'?"),
    ("plot-svd jan.npy --format jpg", "--format 'jpg' is unknown; "),
    # Files and folders
    ("train --dataset beatuy", "unknown dataset 'beatuy'; did you mean 'beauty'?"),
    ("train --dataset log.cvs", "log.cvs does not exist; did you mean 'log.csv'?"),
    ("analyze jan.sav", "jan.sav: its suffix '.sav' names no format that can be read here"),
    ("compare jan.npy fbe.npy", "fbe.npy does not exist; did you mean 'feb.npy'?"),
    ("plot-svd nosuch.npy", "nosuch.npy does not exist; give the path of a file"),
    ("plot-svd jan.npy --out log.csv", "--out log.csv is a file; name a folder"),
    ("train -v scl --out log.csv", "--out log.csv is a file; name a folder"),
    ("sweep --lambda 0,.1 --out x --cells log.csv --dry-run", "--cells log.csv is a file; name a folder"),
    ("sweep --lambda 0.1 0.2 --out x", "values are separated by commas; write --lambda 0.1,0.2"),
    ("sweep --lambda 0 0.1 1e-3 --out x", "values are separated by commas; write --lambda 0,0.1,1e-3"),
    (
        "train --lambda 0.1 0.2",
        "--lambda takes one value, not 0.1 0.2; `degen sweep --lambda 0.1,0.2` trains",
    ),
    ("sweep --lambda 0,.1", "name the folder of the study by --out, for instance --out runs/sweep"),
    ("plot-svd jan.npy --out new/f.jpg", "--out new/f.jpg looks like a file; name a folder, such as new/f"),
    (
        "analyze jan.npy --json --out here.html",
        "--out here.html looks like a file; name a folder",
    ),
    ("train -v scl --out model.pt", "--out model.pt looks like a file; name a folder, such as model"),
    ("report jan.npy --latex t.tex", "--latex t.tex looks like a file; name a folder, such as t"),
    ("plot-svd done/best.safetensors", "done/best.safetensors is the model of a run; give the run, done"),
    ("train --config nosuch.toml", "--config nosuch.toml: there is no such file"),
    ("train --config log.csv", "--config log.csv cannot be read: it is not TOML"),
    ("verify jan.npy", "jan.npy is a file; give a run or a folder of runs"),
    ("runs empty", "no run under empty; `degen train` makes one"),
    ("dynamics jan.npy", "jan.npy is a file, and dynamics need runs; give a run or a folder of runs"),
    # Logs
    ("data stats log.csv --columns user=0,item=0", "--columns gives one column of log.csv two roles"),
    ("data stats log.csv --columns user=session", "--columns lacks item; write it as --columns user=NAME,"),
    ("data stats log.csv --columns user=sesion,item=product", "no column 'sesion'; did you mean 'session'?"),
    (
        "data stats log.csv --separator ;",
        "log.csv has no ';' between fields: its first line is 'session,prod",
    ),
    (
        "data stats log.csv --separator tab --columns user=session,item=product",
        "log.csv has no 'tab' between",
    ),
    ("data stats log.csv --input-format movilens", "did you mean 'movielens'?"),
    (
        "train --dataset log.csv --columns user=session, item=product, time=ts",
        "values are separated by commas alone; write --columns user=session,item=product,time=ts",
    ),
    (
        "analyze log.csv",
        "log.csv looks like a log of interactions: `degen train` takes it as --dataset log.csv",
    ),
    # Counts
    (
        "compare jan.npy grown.npy --frequency counts.txt",
        "counts.txt has 40 counts for the 41 rows of grown.npy; give one count for each row, or leave out "
        "--frequency",
    ),
    (
        "compare named.csv other.csv --frequency counts.csv",
        "counts.csv has none of the ids of other.csv, such as 'new0' (its own are like 'old0'); give "
        "counts of these items, or leave out --frequency",
    ),
    (
        "compare named.csv mixed.csv --frequency counts.csv",
        "counts.csv has no count for 1 of the 20 ids of mixed.csv, such as 'x'; add a line for each",
    ),
    # Names with blanks, and files that are something else than their names say
    ("compare jan.npy feb final.npy", "the name of 'feb final.npy' has blanks; write it in quotes, as here"),
    ("train --dataset my log.csv", "the name of 'my log.csv' has blanks; write it in quotes, as here"),
    ("analyze jan.emb", "jan.emb is a NumPy file; rename it to jan.npy"),
    (
        "analyze latin.csv",
        "latin.csv is not text in UTF-8 (byte 0xfc is none of its signs); save it as UTF-8",
    ),
    (
        "compare jan.npy counts.txt",
        "counts.txt has one column of whole numbers, which looks like counts: give",
    ),
    (
        "compare jan.npy notes.txt",
        "notes.txt is no matrix: line 2 holds no number; give a file with a row of",
    ),
    ("report jan.npy --out page.pdf", "--out page.pdf: a report is HTML; name it page.html"),
    ("report runs/visit", "runs/visit does not exist"),
    (
        "train --variant sasrec --dataset log.csv --columns user=session,item=product,time=product",
        "--columns gives one column of",
    ),
    (
        "train --variant sasrec --dataset log.csv --columns user=visitor,item=product --out done",
        "log.csv has no column 'visitor'",
    ),
    ("train --variant sasrec --dataset log.csv --out done", "done holds a finished run; add --overwrite"),
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the commands are typed in: a log, two matrices and an empty folder."""
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "empty").mkdir()
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    for name in ("jan.npy", "feb.npy"):
        np.save(tmp_path / name, rows)
    for name in ("jan.emb", "feb final.npy"):
        (tmp_path / name).write_bytes((tmp_path / "jan.npy").read_bytes())
    (tmp_path / "my log.csv").write_text(LOG)
    (tmp_path / "latin.csv").write_bytes("id,x,y\nm\u00fcsli,1.5,2.5\n".encode("latin-1"))
    (tmp_path / "counts.txt").write_text("".join(f"{place % 9}\n" for place in range(40)))
    np.save(tmp_path / "grown.npy", np.concatenate([rows, rows[:1]]))
    (tmp_path / "notes.txt").write_text("Monthly notes\nThe run went rather well.\n")
    olds, news = ([f"{name}{place}" for place in range(20)] for name in ("old", "new"))
    for name, ids in {"named": olds, "other": news, "mixed": [*olds[1:], "x"]}.items():
        lines = [f"{one},{x},{y}\n" for one, (x, y) in zip(ids, rows[:, :2], strict=False)]
        (tmp_path / f"{name}.csv").write_text("id,a,b\n" + "".join(lines))
    (tmp_path / "counts.csv").write_text("".join(f"{one},3\n" for one in olds))
    write_run(tmp_path / "done", "sasrec")
    (tmp_path / "done" / "best.safetensors").write_bytes(b"")
    (tmp_path / "done" / "test.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("degen.training.children.cores.available_cores", lambda: 2)
    monkeypatch.setattr("degen.sweeps.engines.local.available_cores", lambda: 2)
    return tmp_path


@pytest.mark.parametrize(("typed", "answer"), MISTAKES, ids=[typed for typed, _ in MISTAKES])
def test_the_answer_has_the_mend(
    typed: str, answer: str, desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(desk.rglob("*"))
    assert answer in mistake(capfd, *typed.split())
    assert sorted(desk.rglob("*")) == before


def test_variants_in_quotes_are_separated_by_commas(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    typed = ("train", "--variant", "sasrec duorec", "--dataset", "log.csv")
    assert "commas; write --variant sasrec,duorec" in mistake(capfd, *typed)


def test_a_gate_that_needs_counts_is_refused_before_the_measuring(
    desk: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("degen.studies.comparing.compare_paths.compare_sides")
    said = mistake(capfd, "compare", "jan.npy", "feb.npy", "--fail-if", "tail_average_cosine > 0.5")
    assert said == (
        "--fail-if 'tail_average_cosine > 0.5' needs the frequencies of the items; give them by --frequency"
    )


def test_folders_may_have_a_dot_in_their_names(desk: Path) -> None:
    refuse_file("out", Path("runs.v2"))
    refuse_file("out", Path("lambda-0.1"))
    Path("kept.pdf").mkdir()
    refuse_file("out", Path("kept.pdf"))

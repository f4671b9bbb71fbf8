"""Dask's tasks give what memory gives: arrays, files and many matrices, on threads and on a cluster."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from commands import mistake, result_of

import degen
from degen.analysis import MEASURES, norm_mean
from degen.analysis.passes import dask_rows
from degen.embeddings import load_matrix
from degen.embeddings.file_rows import FileRows
from degen.errors import UserError
from degen.studies.analysis_options import AnalysisOptions
from degen.studies.analyze import analyze_paths

dask = pytest.importorskip("dask", reason="needs Dask: pip install 'degen[dask]'")
da = pytest.importorskip("dask.array", reason="needs Dask's arrays: pip install 'degen[dask]'")

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")


def cone(n=30_000, d=7):
    rng = np.random.default_rng(0)
    V = rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.7 + 0.4
    V[[5, n // 2]] = 0
    V[11] = V[n - 1]
    return V.astype(np.float32), rng.integers(0, 50, n)


def assert_equal(found, expected):
    assert found.reasons == expected.reasons
    assert found.values.keys() == expected.values.keys()
    for name, value in expected.values.items():
        assert found.values[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


MEASURED = [m.name for m in MEASURES.values() if m.group not in ("neighbours", "sphere")]


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="needs distributed: pip install 'degen[dask]'")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as machines,
        distributed.Client(machines) as client,
    ):
        yield client


@pytest.mark.parametrize("chunks", [(30_000, 7), (7_001, 3), (1_500, 7)])
def test_a_dask_array_has_the_measures_of_its_numbers(chunks):
    V, frequency = cone()
    lazy = degen.analyze(da.from_array(V, chunks=chunks), frequency=frequency, measures=MEASURED)
    assert_equal(lazy, degen.analyze(V, frequency=frequency, measures=MEASURED))
    assert lazy["duplicate_rows"] == 2  # one repeats another, and the second row of zeros the first


def test_measures_are_those_in_memory_on_a_cluster_too(cluster, monkeypatch):
    monkeypatch.setattr(dask_rows, "_CHUNK", 7 * 8192)
    V, frequency = cone()
    lazy = degen.analyze(V, frequency=frequency, engine="dask", measures=MEASURED)
    assert_equal(lazy, degen.analyze(V, frequency=frequency, measures=MEASURED))
    assert cluster.scheduler_info()["workers"]


def test_every_measure_is_there_with_dask_too():
    V, frequency = cone(300)
    lazy = degen.analyze(da.from_array(V, chunks=(90, 7)), frequency=frequency, seed=3)
    assert_equal(lazy, degen.analyze(V, frequency=frequency, seed=3))


def test_rows_of_a_file_are_read_by_the_tasks(tmp_path, monkeypatch):
    monkeypatch.setattr("degen.embeddings.formats.named_arrays.LARGE", 1)
    monkeypatch.setattr(dask_rows, "_CHUNK", 7 * 8192)
    V, _ = cone()
    np.save(tmp_path / "v.npy", V)
    assert isinstance(load_matrix(tmp_path / "v.npy").values, FileRows)
    lazy = degen.analyze(tmp_path / "v.npy", engine="dask", measures="spectrum,isotropy,health")
    assert_equal(lazy, degen.analyze(V, measures="spectrum,isotropy,health"))


def test_a_chunk_of_unknown_size_is_counted():
    V, _ = cone(500)
    some = da.from_array(V, chunks=(100, 7))
    found = degen.analyze(some[some[:, 0] > 0], measures="norm_mean")
    assert found["norm_mean"] == pytest.approx(np.linalg.norm(V[V[:, 0] > 0], axis=1).mean())


def test_a_row_that_is_not_finite_is_named(cluster):
    V, _ = cone(20_000)
    V[17_000, 2] = np.nan
    with pytest.raises(UserError, match="1 of 20,000 rows hold NaN or infinity, the first of them row 17000"):
        degen.analyze(da.from_array(V, chunks=(6_000, 7)))
    with pytest.raises(UserError, match="row 17000"):
        norm_mean(dask_rows.dask_rows(da.from_array(V, chunks=(6_000, 7))))
    found = degen.analyze(da.from_array(V, chunks=(6_000, 7)), drop_nonfinite=True, measures="health")
    assert (found.rows, found["nonfinite_rows"]) == (19_999, 1)


def test_many_matrices_are_a_task_each(tmp_path, cluster):
    paths = [tmp_path / f"m{place}.npy" for place in range(3)]
    for place, path in enumerate(paths):
        np.save(path, cone(200)[0] + place)
    together = analyze_paths(paths, AnalysisOptions(engine="dask", measures="spectrum"))
    alone = analyze_paths(paths, AnalysisOptions(measures="spectrum"))
    assert [one.name for one in together.analyses] == ["m0", "m1", "m2"]
    for one, other in zip(together.analyses, alone.analyses, strict=True):
        assert_equal(one, other)


def test_a_scheduler_is_used_by_its_address(cluster, tmp_path):
    np.save(tmp_path / "v.npy", cone(300)[0])
    words = ["analyze", tmp_path / "v.npy", "--engine", "dask", "--measures", "spectrum"]
    found = result_of(*words, "--scheduler", cluster.scheduler.address)
    assert found == result_of("analyze", tmp_path / "v.npy", "--measures", "spectrum")


def test_a_scheduler_that_is_not_there_is_said(tmp_path, capfd):
    np.save(tmp_path / "v.npy", cone(300)[0])
    words = ["analyze", tmp_path / "v.npy", "--scheduler", "nonsense://x"]
    assert "--engine dask" in mistake(capfd, *words)
    before = dask.config.get("scheduler", None)
    with dask.config.set(scheduler="threads"):
        assert "--scheduler nonsense://x" in mistake(capfd, *words, "--engine", "dask")
        assert dask.config.get("scheduler") == "threads"
    gc.collect()  # a client that failed to connect puts back what it found when it is collected
    assert dask.config.get("scheduler", None) == before


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dask", None)
    with pytest.raises(UserError, match=r"degen\[dask\]"):
        degen.analyze(np.eye(3), engine="dask")

"""`experiments/gallery/redraw.py`: figures of committed numbers say what those of the commands say."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[2]
OF = "clothing-official"


def test_committed_tables_are_drawn_with_the_words_of_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        f"uniformity-{OF}",
        f"dynamics-{OF}-sasrec-duorec",
        f"compare-{OF}-sasrec-duorec-spectra",
        f"compare-{OF}-sasrec-duorec-popularity",
        f"spectra-{OF}",
    ]
    for name in names:
        shutil.copy(ROOT / "figures" / f"{name}.csv", tmp_path)
    drawn: dict[str, str] = {}

    def keep(figure: Figure, stem: Path, **about: str) -> list[Path]:
        assert stem.parent == tmp_path
        drawn[stem.name] = figure.get_supxlabel().replace("\n", " ")
        return [stem]

    main = runpy.run_path(str(ROOT / "experiments" / "gallery" / "redraw.py"))["main"]
    monkeypatch.setitem(main.__globals__, "save_figure", keep)
    main([str(tmp_path)])
    assert list(drawn) == [*names[:4], "spectra-official"]
    assert "Not shown: SASRec, which contrasts no pair." in drawn[names[0]]
    assert all("released code (recipe official)" in drawn[name] for name in names[:2])

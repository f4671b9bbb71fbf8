from __future__ import annotations

from degen.tables.markdown import markdown
from degen.tables.table import Table


def test_pipes_in_cells_are_escaped() -> None:
    table = Table.of_values(["measure", "value"], [["`a`", "|x|"]])
    assert markdown(table) == "| measure | value |\n| --- | --- |\n| `a` | \\|x\\| |"

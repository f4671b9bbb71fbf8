"""Read a matrix from a table of Arrow's: Parquet, or Arrow's own files (`.feather`, `.arrow`, `.ipc`).

A table has a column of lists, or one column of numbers per dimension, and ids (`tabular.roles`). Both kinds
need the optional package pyarrow, which reads them in batches of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from degen.data.reading.parquet import open_parquet
from degen.embeddings.content import Asked, Content
from degen.embeddings.formats.tabular.arrow_table import ArrowTable
from degen.embeddings.formats.tabular.roles import content_of
from degen.errors import UserError

_ARROW, _FEATHER_1 = b"ARROW1", b"FEA1"


def read_parquet(path: Path, asked: Asked) -> Content:
    """Return the matrix [n, d] in a Parquet file, and its ids.

    `asked.key` names a column of lists; it is not needed if there is only one. Raise a `UserError` where
    pyarrow is missing, the file is damaged, a cell is empty, lists have several lengths, or a column may hold
    ids or not.
    """
    with parquet_table(path) as table:
        return content_of(table, asked)


def read_arrow(path: Path, asked: Asked) -> Content:
    """Return the matrix in one of Arrow's own files, as `read_parquet` does."""
    with arrow_table(path) as table:
        return content_of(table, asked)


@contextmanager
def parquet_table(path: Path) -> Iterator[ArrowTable]:
    """Open a Parquet file as a table; raise a `UserError`, here or in the block, if it is damaged."""
    try:
        with open_parquet(path) as file:

            def batches(names: list[str], rows: int) -> Iterator[Any]:
                return iter(file.iter_batches(rows, columns=names))

            yield ArrowTable(path, file.schema_arrow, file.metadata.num_rows, batches)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} has a name or text that is not UTF-8; write or copy it again") from error


@contextmanager
def arrow_table(path: Path) -> Iterator[ArrowTable]:
    """Open one of Arrow's files, or a stream in a file; raise a `UserError` as `parquet_table` does."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise UserError(f"{path} is Arrow's, which needs pyarrow: pip install 'degen[parquet]'") from error
    with path.open("rb") as file:
        head = file.read(len(_ARROW))
    if head.startswith(_FEATHER_1):
        raise UserError(f"{path} is Feather of version 1; write it again with pyarrow or pandas of today")
    try:
        with pyarrow.memory_map(str(path)) as source:
            of_file = head == _ARROW
            opened = pyarrow.ipc.open_file if of_file else pyarrow.ipc.open_stream
            schema = opened(source).schema

            def batches(names: list[str], rows: int) -> Iterator[Any]:
                source.seek(0)
                places = [schema.get_field_index(name) for name in names]
                options = pyarrow.ipc.IpcReadOptions(included_fields=places)
                reader = opened(source, options=options)
                found = map(reader.get_batch, range(reader.num_record_batches)) if of_file else reader
                for batch in found:
                    # Offsets that point outside the file would be followed.
                    batch.validate(full=True)
                    yield from (batch.slice(start, rows) for start in range(0, len(batch), rows))

            n = sum(map(len, batches(schema.names[:1], 1 << 40)))
            yield ArrowTable(path, schema, n, batches)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["no reason is given"])[0]
        raise UserError(f"{path} cannot be read as Arrow ({reason}); write or copy it again") from error


TABLES: dict[str, Callable[[Path], AbstractContextManager[ArrowTable]]] = {
    ".parquet": parquet_table,
    **dict.fromkeys((".feather", ".arrow", ".ipc"), arrow_table),
}
"""By suffix, the function that opens a table."""

"""Any matrix file, and how often its rows occur; nothing found in a file is ever executed."""

from degen.embeddings.file_rows import FileRows
from degen.embeddings.frequency import load_frequency
from degen.embeddings.load import Matrix, load_matrix

__all__ = ["FileRows", "Matrix", "load_frequency", "load_matrix"]

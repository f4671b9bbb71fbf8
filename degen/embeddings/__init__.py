"""Any matrix file, and how often its rows occur; nothing found in a file is ever executed."""

from degen.embeddings.frequency import load_frequency
from degen.embeddings.matrix import Matrix, load_matrix
from degen.embeddings.rows import FileRows

__all__ = ["FileRows", "Matrix", "load_frequency", "load_matrix"]

"""Read embedding matrices and item frequencies from files of any format, without executing their content."""

from degen.embeddings.file_rows import FileRows
from degen.embeddings.frequency import load_frequency
from degen.embeddings.load import Matrix, load_matrix

__all__ = ["FileRows", "Matrix", "load_frequency", "load_matrix"]

"""Any matrix file, and the counts that colour its rows; nothing is ever unpickled."""

from degen.embeddings.frequency import load_frequency
from degen.embeddings.matrix import Matrix, load_matrix

__all__ = ["Matrix", "load_frequency", "load_matrix"]

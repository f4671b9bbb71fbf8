"""degen: how item embeddings of sequential recommenders degenerate, and what resists it."""

from degen.version import __version__

__all__ = ["__version__"]

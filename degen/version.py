"""Version of degen."""

__version__ = "0.2.0"

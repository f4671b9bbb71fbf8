"""Version of degen."""

__version__ = "0.1.0"

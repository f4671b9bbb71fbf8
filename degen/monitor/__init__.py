"""Recording of any training loop into a run directory, by one call per epoch."""

from degen.monitor.recorder import Monitor

__all__ = ["Monitor"]

"""The run directory of somebody else's training loop: one call an epoch."""

from degen.monitor.recorder import Monitor

__all__ = ["Monitor"]

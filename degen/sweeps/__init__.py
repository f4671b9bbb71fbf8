"""Sweeps: cells of a study, their plan, the workers that train them, tables and figures of results."""

"""Sweeps: cells of a study, their plan, the workers that train them, and the tables and figures of results."""

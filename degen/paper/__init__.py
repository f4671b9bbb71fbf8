"""Targets of the paper: every table and figure as a study, with the published values and verdicts."""

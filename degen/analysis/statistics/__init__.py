"""Intervals, tests and correlations."""

"""Intervals and tests of measures."""

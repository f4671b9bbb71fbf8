"""Measures of one embedding matrix."""

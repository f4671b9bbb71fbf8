"""Comparisons of two embedding matrices."""

"""Rows and tables of comparisons, and conditions on measures that a user sets."""

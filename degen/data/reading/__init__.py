"""Interaction logs of any supported format, read into columns."""

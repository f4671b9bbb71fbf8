"""Figures of a study's results: curves over an axis, heat maps of two axes, bars of variants."""

"""Evaluation of a model over a split, by full ranking."""

"""Interaction logs: read, filter, order, split into samples, and draw what training needs."""

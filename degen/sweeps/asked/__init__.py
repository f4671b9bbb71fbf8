"""A study as people ask for it: axes, and lists of values that are typed or given in Python."""

"""Studies of many runs: figures of whole datasets, comparisons, claims, the demo."""

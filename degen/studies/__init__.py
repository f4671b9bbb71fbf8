"""What reads or drives many runs: the demo, and the figures of whole datasets."""

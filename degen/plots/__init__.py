"""Results in, axes out: nothing here computes a statistic, reads a run or keeps pyplot state."""

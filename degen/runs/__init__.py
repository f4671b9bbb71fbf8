"""Run directories: which epoch of a run is the best."""

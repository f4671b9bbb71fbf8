"""Mitigations of degeneration side by side: training, measurements, the page and the figure."""

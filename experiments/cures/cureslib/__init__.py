"""Cures of degeneration side by side: what is trained, what is measured of it, the page and the figure."""

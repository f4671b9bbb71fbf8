"""Figures over the epochs of training: alignment and uniformity, and any measure of degeneration."""

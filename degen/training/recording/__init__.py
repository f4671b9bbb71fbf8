"""Measurements of geometry and gradients during training."""

"""Batches of an epoch, and their way through the model."""

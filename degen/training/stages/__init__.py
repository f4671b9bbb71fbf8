"""Stages of training that come before the epochs of a run."""

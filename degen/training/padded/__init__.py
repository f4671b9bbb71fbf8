"""Padded training steps for several runs at once."""

"""Losses, one function per equation."""

"""Readers, one module a shape of file."""

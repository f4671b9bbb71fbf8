"""Stub, replaced before the first commit that counts."""

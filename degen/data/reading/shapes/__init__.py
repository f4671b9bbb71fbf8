"""Recognise logs by the values of their columns, where names are missing or not enough."""

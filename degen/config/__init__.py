"""Configuration: its keys and their defaults, and its resolution from recipe, file and options."""

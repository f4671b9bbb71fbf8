"""The commands as functions for notebooks, each of which `degen` imports on first use."""

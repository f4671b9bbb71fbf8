"""File formats of embedding matrices; nothing found in a file is executed."""

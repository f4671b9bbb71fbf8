"""Files: written whole or not at all, and parsed within limits."""

"""Engines: ways to start workers, and nothing more. The workers agree among themselves by claims."""

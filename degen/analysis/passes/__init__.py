"""Shared passes over the rows of a matrix, and the array libraries they run on."""

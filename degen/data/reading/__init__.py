"""Read interaction logs of any supported format into columns of integers."""

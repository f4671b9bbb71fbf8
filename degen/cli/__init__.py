"""Commands of `degen`: each parses its options, calls the package and prints the result."""

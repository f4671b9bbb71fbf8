"""Models of the paper's other methods, each an `Encoder`, and their declarations as variants."""

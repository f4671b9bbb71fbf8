"""The mechanism of degeneration: gradients, updates and score decomposition."""

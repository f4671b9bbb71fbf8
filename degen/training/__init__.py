"""Training of any variant: steps, epochs, the probe, checkpoints and resumption."""

"""The shared encoder, the objectives, and the variants as declarations."""

"""Full-ranking evaluation of a model over a split."""

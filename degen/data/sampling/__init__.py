"""Training samples, and the views, partners and batches drawn from them."""

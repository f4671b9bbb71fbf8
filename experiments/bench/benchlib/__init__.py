"""What `experiments/bench/run.py` is made of; none of it imports PyTorch, so that the bench stays small."""

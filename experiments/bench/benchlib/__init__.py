"""Parts of `experiments/bench/run.py`. None of them imports PyTorch, so that the bench stays small."""

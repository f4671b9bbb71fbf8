"""Weights of trained models: what their writers' files hold, and the ids of their rows."""

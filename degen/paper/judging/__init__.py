"""Verdicts on claims: intervals and tests over seeds, and what each kind of claim is judged by."""

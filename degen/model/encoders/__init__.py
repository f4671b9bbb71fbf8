"""The SASRec encoder (Eq. 8-9): fast, plain and padded."""

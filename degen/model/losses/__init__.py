"""Losses, one function per equation.

Eq. 5, 14, §4.3.3   `contrastive`       the contrast of views, and its negatives
Eq. 11              `recommendation`    full softmax; BCE and BPR in its place
                    `blocked_softmax`   the full softmax by blocks of items
                    `sampled_softmax`   softmax over sampled negatives
Eq. 15              `objective`         the sum of a step's losses
                    `mitigations`       other papers' losses against degeneration
"""

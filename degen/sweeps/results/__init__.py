"""Results of a study: rows of its runs, means over seeds, and the figures that suit its axes."""

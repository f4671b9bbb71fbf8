"""Numbers of the result pages: collected tables and verdicts, epochs of runs, and runs with one seed."""

"""Training in child processes: one run in each, several of them side by side.

inside        the child's part: train a run, tell the parent of its progress, end when the parent has died
child         the parent's part: start a child, hear it, stop it
server        the process that children start from
side_by_side  several children at once, and a single one (`train_in_child`)
cores         number of children and threads that this machine has room for
"""

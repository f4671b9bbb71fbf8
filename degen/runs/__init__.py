"""Run directories: what is on disk, which runs are meant, which epoch is the best."""

"""From a file of interactions to batches of views: reading, filtering, splitting, sampling."""

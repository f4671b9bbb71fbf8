"""Read logs of JSON objects."""

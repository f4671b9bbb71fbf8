"""Configuration: its keys, and how defaults, recipe, file and options become one."""

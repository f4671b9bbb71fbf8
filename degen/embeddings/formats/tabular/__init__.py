"""Tables with a row per item: the roles of their columns, and how each kind is read."""

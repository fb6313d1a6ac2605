"""The page on which people see what refining changed, and decide about it."""

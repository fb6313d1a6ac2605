"""``ssd-det init``: from a look at data and machine to a configuration of the pipeline."""

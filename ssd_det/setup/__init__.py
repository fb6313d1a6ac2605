"""``ssd-det init``: a configuration of the pipeline that fits data and machine."""

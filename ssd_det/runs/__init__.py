"""What a run of the pipeline leaves in its folder, and where."""

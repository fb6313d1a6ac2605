"""What comes from others: only regular files are read, yaml has limits, and texts are fit to be shown."""

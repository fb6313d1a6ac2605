"""From annotation files and images to the batches of a step."""

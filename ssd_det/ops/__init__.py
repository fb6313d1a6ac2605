"""Pure tensor functions on boxes and bags: no modules, no Lightning, no files."""

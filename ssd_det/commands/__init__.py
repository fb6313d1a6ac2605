"""The commands that need no training: plain typed functions, grouped by what they work on."""

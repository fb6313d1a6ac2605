"""Measuring and showing what refining did."""

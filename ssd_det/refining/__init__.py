"""Refining the boxes of a whole annotation file, and learning how sure the refined boxes are."""

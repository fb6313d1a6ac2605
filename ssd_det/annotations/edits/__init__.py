"""Edits of annotation files that change what they are meant to and nothing else."""

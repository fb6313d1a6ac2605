"""Annotation files: reading and checking them, finding their images, writing them whole."""

"""Annotation files and images: reading, checking, noise, lossless writing, and the batches made of them."""

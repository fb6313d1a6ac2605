"""Finding what is wrong with an annotation file, and mending what can be mended without looking at the pictures."""

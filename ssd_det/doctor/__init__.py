"""Finding what is wrong with an annotation file, and fixing what can be fixed without looking at the pictures."""

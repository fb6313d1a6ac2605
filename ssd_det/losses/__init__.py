"""The refiner's loss terms, one file for each part of the method."""

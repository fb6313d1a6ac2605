"""ssd-det: better boxes for detection data sets, learnt from the inaccurate boxes alone."""

__version__ = "0.1.0"

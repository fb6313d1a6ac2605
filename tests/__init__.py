"""The tests; what they import is no garbage, and looking for some takes a second."""

import gc

gc.disable()  # until tests/conftest.py has imported what it needs

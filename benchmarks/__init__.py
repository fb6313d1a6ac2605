"""Speed and memory, measured against what a user would take instead; never part of the tests."""

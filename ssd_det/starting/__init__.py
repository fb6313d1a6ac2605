"""Commands of ``ssd-det`` that other commands start, each in a process of its own."""

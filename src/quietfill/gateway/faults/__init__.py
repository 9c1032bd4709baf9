"""Faults: one of them for each pitfall that real users of the real gateway have fallen into."""

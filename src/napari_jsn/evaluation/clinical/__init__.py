"""Comparison of narrowing with the change of a reader's score."""

"""Segment the two bones of a joint image."""

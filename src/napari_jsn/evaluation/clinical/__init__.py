"""Narrowing against the change of a reader's score."""

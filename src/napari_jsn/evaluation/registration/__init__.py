"""Accuracy of registration."""

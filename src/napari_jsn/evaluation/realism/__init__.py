"""Comparison of real finger joints with simulated ones."""

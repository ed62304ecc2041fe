"""Simulated radiographs and joint pairs as files: images, bone masks and the truth of every joint."""

"""Accuracy of segmentation."""

"""Figures of merit of segmentation."""

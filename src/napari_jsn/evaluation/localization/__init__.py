"""Figures of merit of the localiser."""

"""Figures of merit of registration."""

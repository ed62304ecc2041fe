"""Figures of merit of the joint space width."""

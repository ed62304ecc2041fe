"""Figures of merit of scores by networks, with baselines."""

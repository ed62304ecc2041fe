"""Measure every joint over all visits of a patient."""

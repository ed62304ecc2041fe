"""Radiographs and results as layers."""

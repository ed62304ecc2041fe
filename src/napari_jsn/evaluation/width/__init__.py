"""Accuracy of the joint space width."""

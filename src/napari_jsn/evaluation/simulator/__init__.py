"""Accuracy of registration on simulated joints of known narrowing."""

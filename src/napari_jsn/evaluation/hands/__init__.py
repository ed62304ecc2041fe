"""Accuracy of the measurement of whole hands, end to end."""

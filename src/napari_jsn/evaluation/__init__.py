"""Measure the accuracy of the measurement, on data with a known truth or by closure."""

"""Measure how well the measurement does, on data with a truth or with closure."""

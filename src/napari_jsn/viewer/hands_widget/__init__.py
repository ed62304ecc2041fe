"""The dock widget "Measure hands"."""

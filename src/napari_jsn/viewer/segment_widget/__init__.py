"""The dock widget "Segment joint"."""

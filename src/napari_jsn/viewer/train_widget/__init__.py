"""The dock widget "Train"."""

"""The dock widget "Score hands"."""

"""The HTML report of a progression: one file that loads nothing and prints on A4."""

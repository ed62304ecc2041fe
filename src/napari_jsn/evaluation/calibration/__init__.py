"""The commands that make the shipped cards."""

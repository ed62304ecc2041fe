"""Checks of simulated damage: shares of the grades, visible truth against that in space, widths, poses, pictures."""

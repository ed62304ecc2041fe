"""Geometry of the simulated hand: bone surfaces, joint spaces, joint positions and poses."""

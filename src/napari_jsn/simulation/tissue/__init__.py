"""Composition and attenuation of bone and soft tissue."""

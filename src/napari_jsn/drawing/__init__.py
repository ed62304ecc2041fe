"""Pieces of pictures that several packages draw with: colours, SVG, pictures as data."""

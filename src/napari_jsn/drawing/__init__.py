"""Pieces of pictures that several packages use: colours, SVG, embedded images, hands, joints, forest plots."""

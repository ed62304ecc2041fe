"""Inputs and forms of the widgets of one joint: a pair, an image to segment, a training."""

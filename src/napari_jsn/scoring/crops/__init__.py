"""Images of the scored joints, as the networks for scores see them."""

"""What all networks share: cards and weights, and the protocol of a training task."""

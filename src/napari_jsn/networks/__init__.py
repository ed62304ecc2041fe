"""What all networks share: cards and weights, loading, layers, the square canvas, augmentation and training tasks."""

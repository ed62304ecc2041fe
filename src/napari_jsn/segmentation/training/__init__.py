"""How the segmentation network is trained: data, augmentation, task."""

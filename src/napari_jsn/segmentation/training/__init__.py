"""Train the segmentation network: data, augmentation, task."""

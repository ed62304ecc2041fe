"""Train the localization network: data, random scenes, augmentation, task."""

"""What napari saves layers with: bones as label images, and radiographs with their pixel size."""

"""What every package may use: errors, progress, files, device."""

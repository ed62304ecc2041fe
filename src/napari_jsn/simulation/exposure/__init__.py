"""From attenuation to a radiograph: tube, detector, software, and what else lies in the beam."""

"""Steps from attenuation to a radiograph: bone projection, artefacts, tube, detector and image processing."""

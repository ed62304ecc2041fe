"""Maps of what raised the grade of a joint: by occlusion, by Grad-CAM, by the networks' own maps."""

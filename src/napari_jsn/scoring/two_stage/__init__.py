"""The two-stage method: joints are found, then the image of each is graded, in the context of the patient's others."""

"""The dock "Read patient": radiographs, joints, reading and report of one patient in four steps."""

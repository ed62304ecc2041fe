"""Training of the networks for scores: simulated patients, tasks, and the user's own scored radiographs."""

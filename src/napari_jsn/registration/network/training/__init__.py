"""How the registration network is trained: data, motion, loss, task."""

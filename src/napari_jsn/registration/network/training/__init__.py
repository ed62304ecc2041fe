"""Train the registration networks: data, pairs of known motion, loss, task."""

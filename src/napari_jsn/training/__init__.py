"""Train the network of any task with Lightning: training can be stopped and resumed, and writes a model card."""

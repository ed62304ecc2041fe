"""Train a network, whatever its task, on Lightning: resumable, abortable, with a card that says how it was made."""

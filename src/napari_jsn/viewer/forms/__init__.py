"""Forms, and what all dock widgets share."""

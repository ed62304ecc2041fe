"""Forms, and what all dock widgets share: run panel, worker, style and plots."""

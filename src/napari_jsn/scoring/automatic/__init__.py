"""Scores by networks: ``score``, its result, and the totals with their intervals."""

"""The shapes of bones and joint spaces, and how they are posed and projected."""

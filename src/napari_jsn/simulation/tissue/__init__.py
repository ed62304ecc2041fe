"""What bones and soft tissue are made of."""

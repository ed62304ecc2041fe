"""How wide a joint space is on one radiograph, from its two margins."""

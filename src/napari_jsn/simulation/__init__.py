"""Images with known joint space narrowing."""

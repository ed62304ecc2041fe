"""Simulated hands and joint pairs with known joint space narrowing."""

"""Damage of finger joints as readers grade it: drawn, projected, and graded from the projection."""

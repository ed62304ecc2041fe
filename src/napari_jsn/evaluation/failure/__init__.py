"""Wrong pairs and changed images: whether a registration that is wrong has failed, and a right one has not."""

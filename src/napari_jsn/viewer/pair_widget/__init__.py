"""The dock widget "Register joint pair"."""

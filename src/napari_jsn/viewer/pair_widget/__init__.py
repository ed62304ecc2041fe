"""The dock widget "Register joint pair": its results, and the widget itself."""

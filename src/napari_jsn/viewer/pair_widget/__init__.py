"""The dock widget "Register joint pair": inputs and form, results, and the widget itself."""

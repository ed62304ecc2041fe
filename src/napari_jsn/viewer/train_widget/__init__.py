"""The dock widget "Train": inputs and form, and the widget itself."""

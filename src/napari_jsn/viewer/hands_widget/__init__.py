"""The dock widget "Measure hands": inputs and form, layers and boxes, results, and the widget itself."""

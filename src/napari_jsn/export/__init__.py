"""Write results: tables, figures, images."""

"""The report of a measured study: one HTML file that needs no network and prints on A4."""

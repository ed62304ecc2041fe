"""The web page: read, measure and score the radiographs of a patient in a browser, on a store and on ``reading``."""

"""Read the radiographs of one patient, order them in visits, find the hands, and check them."""

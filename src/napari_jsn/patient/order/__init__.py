"""Put the radiographs of one patient in order of time: by dates that agree, and by names of files."""

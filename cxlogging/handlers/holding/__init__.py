"""Records that are kept back until something goes wrong."""

"""The vendors: one folder each, which imports no other vendor's, and one line in the registry."""

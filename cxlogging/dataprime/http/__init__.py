"""Queries over the network, and their answers."""

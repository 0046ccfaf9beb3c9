"""The log of requests: what is kept of each, within which bounds, and how it is read."""

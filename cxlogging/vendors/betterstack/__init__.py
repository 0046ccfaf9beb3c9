"""Better Stack: what it takes, the handler, and its API as the local server enforces it."""

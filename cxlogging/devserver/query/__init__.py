"""The DataPrime query API of the local server."""

"""The waiting line on disk: what a log call gave is there before the call returns."""

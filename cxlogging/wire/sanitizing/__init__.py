"""Converts any Python value to one that can be shipped, without running the application's code."""

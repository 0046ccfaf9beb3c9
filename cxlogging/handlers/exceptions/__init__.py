"""Exceptions as fields, and tracebacks as text."""

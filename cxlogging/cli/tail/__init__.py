"""`cxlogging tail`: new logs as they arrive."""

from .main import command as command

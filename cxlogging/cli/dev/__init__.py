"""`cxlogging dev`: the local server in the foreground."""

from .main import command as command

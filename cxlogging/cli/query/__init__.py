"""`cxlogging query`: ask the service, or the local server, and print the rows."""

from .main import command as command

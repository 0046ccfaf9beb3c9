"""`cxlogging volume`: which lines of code make the events and the bytes."""

from .main import command as command

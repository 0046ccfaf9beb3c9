"""`cxlogging send`: lines, JSON lines and tables to a destination."""

from .main import command as command

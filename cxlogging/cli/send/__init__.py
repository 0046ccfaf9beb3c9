"""`cxlogging send`: send lines, JSON lines or CSV to a vendor."""

from .main import command as command

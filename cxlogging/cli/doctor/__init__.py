"""`cxlogging doctor`: find out why records do not arrive, and how to fix it."""

from .main import command as command

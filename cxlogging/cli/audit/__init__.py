"""`cxlogging audit`: did all arrive? Asked at the far end."""

from .main import command as command

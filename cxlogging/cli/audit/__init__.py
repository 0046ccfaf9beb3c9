"""`cxlogging audit`: check at the destination that all records have arrived."""

from .main import command as command

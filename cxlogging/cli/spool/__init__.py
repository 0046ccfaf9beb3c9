"""`cxlogging spool`: see what waits on disk, check it, take it out, send it, throw it away."""

from .main import command as command

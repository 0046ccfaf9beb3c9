"""`cxlogging doctor`: what is set, what stands in the way, and what to do about it."""

from .main import command as command

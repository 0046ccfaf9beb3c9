"""The commands of `cxlogging relay`."""

from .main import command as command

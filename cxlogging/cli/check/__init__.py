"""`cxlogging check`: one event with each handler, or a configuration of logging without sending."""

from .main import command as command

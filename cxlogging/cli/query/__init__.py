"""`cxlogging query`: run a query against Coralogix or the local server."""

from .main import command as command

"""`cxlogging demo`: an application, three vendors, an outage, and nothing lost."""

from .main import command as command

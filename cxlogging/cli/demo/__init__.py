"""`cxlogging demo`: an application logs to all vendors through an outage, and nothing is lost."""

from .main import command as command

"""Floor 3: from a LogRecord to an event, and the handlers that users attach."""

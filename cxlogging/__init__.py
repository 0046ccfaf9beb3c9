"""Ship logging records to Coralogix, Honeycomb and Better Stack."""

__version__ = "0.1.0"

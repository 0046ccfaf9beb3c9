"""Hide values that must not leave the application."""

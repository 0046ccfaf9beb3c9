"""One small module for each framework, imported by its name."""

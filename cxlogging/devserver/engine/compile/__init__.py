"""From a syntax tree to closures over rows."""

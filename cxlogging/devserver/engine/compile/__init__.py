"""The compiler of expressions: from syntax trees to closures over rows."""

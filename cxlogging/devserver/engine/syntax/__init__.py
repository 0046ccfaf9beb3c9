"""From a query's text to its syntax tree."""

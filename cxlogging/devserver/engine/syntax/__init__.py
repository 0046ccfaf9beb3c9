"""The parser: from the text of a query to its syntax tree."""
